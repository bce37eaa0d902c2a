package dev.backfill.orchestrator.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP server on the loopback interface that answers each request as it likes, by its path. Closing it ends it. */
public final class OddServer implements AutoCloseable {

    /** What becomes of a request. */
    public interface Manner {
        /** Writes what is answered, or does not. The connection ends when this returns. */
        void answer(OutputStream out) throws IOException, InterruptedException;
    }

    private final ServerSocket listener;
    private final Map<String, Manner> manners = new ConcurrentHashMap<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    /** One that answers 404 to everything. */
    public OddServer() throws IOException {
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        thread(this::listen);
    }

    /** From now on a path is answered so. */
    public OddServer at(String path, Manner manner) {
        manners.put(path, manner);
        return this;
    }

    /** From now on a path is answered with a status and a body. */
    public OddServer at(String path, int status, String body) {
        return at(path, out -> write(out, status, body));
    }

    /** Where it is. */
    public String url(String path) {
        return "http://127.0.0.1:" + listener.getLocalPort() + path;
    }

    /** The heads of the requests so far. */
    public List<String> requests() {
        return new ArrayList<>(requests);
    }

    /** An answer whose length is said. */
    public static void write(OutputStream out, int status, String body, String... headers) throws IOException {
        String more =
                String.join("", List.of(headers).stream().map(h -> h + "\r\n").toList());
        out.write(("HTTP/1.1 " + status + " Said\r\n" + more + "Connection: close\r\nContent-Length: " + body.length()
                        + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    private void listen() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                sockets.add(socket);
                thread(() -> serve(socket));
            } catch (IOException e) {
                return; // it is closed
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            StringBuilder head = new StringBuilder();
            for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                head.append(line).append('\n');
            }
            requests.add(head.toString());
            String path = head.toString().replaceFirst("(?s)^GET ([^ ?]*).*", "$1");
            manners.getOrDefault(path, out -> write(out, 404, "")).answer(socket.getOutputStream());
        } catch (IOException e) {
            return; // whoever asked is gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void thread(Runnable work) {
        Thread thread = new Thread(work, "odd server");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
