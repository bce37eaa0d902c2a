package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.testing.FaultProxy.Direction;
import dev.backfill.orchestrator.testing.FrontendMessages.Kind;
import dev.backfill.orchestrator.testing.FrontendMessages.Message;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One client's connection through a proxy: a thread for what the client says, and one for the answers. */
final class ProxiedConnection implements AutoCloseable {

    private static final byte READY_FOR_QUERY = 'Z';
    private static final byte KEY_OF_THE_BACKEND = 'K';
    private static final byte[] REFUSAL = {'N'};

    private final Socket client;
    private final Socket server;
    private final Traffic traffic;
    private volatile boolean clientCut;
    private volatile boolean serverCut;
    private volatile boolean requestsLost;
    private volatile boolean answersLost;
    private volatile @Nullable Caught caught;
    private volatile int backend;
    private String transaction = "";
    private boolean acted;
    // The server says once unasked that it is ready: when the session begins.
    private int readiesAsked = 1;

    private ProxiedConnection(Socket client, Socket server, Traffic traffic) {
        this.client = client;
        this.server = server;
        this.traffic = traffic;
    }

    static ProxiedConnection start(Socket client, Socket server, Traffic traffic) throws IOException {
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        ProxiedConnection connection = new ProxiedConnection(client, server, traffic);
        Threads.startDaemon("proxy-requests-" + client.getPort(), connection::passRequests);
        Threads.startDaemon("proxy-answers-" + client.getPort(), connection::passAnswers);
        return connection;
    }

    void cutClient() {
        clientCut = true;
        close(client);
    }

    void cutServer() {
        serverCut = true;
        close(server);
    }

    void swallow(List<Direction> directions) {
        requestsLost |= directions.contains(Direction.REQUESTS);
        answersLost |= directions.contains(Direction.ANSWERS);
    }

    void reset() {
        try {
            client.setSoLinger(true, 0);
            server.setSoLinger(true, 0);
        } catch (SocketException e) {
            // one of them is closed already
        }
        close();
    }

    @Override
    public void close() {
        cutClient();
        cutServer();
    }

    private void passRequests() throws IOException, InterruptedException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(client.getInputStream()));
        FrontendMessages messages = new FrontendMessages(in);
        try {
            for (var request = messages.nextRequest(); !request.isEmpty(); request = messages.nextRequest()) {
                pass(request);
            }
        } finally {
            traffic.awaitGo();
            if (!clientCut && !requestsLost) {
                close(server);
            }
        }
    }

    private void pass(List<Message> request) throws IOException, InterruptedException {
        if (request.get(0).kind() == Kind.ENCRYPTION_REQUEST) {
            client.getOutputStream().write(REFUSAL);
            return;
        }
        String sent = transaction;
        Optional<Trap> trap = request.stream()
                .filter(Message::runs)
                .flatMap(message -> passing(message.sql()).stream())
                .findFirst();
        traffic.awaitGo();
        if (requestsLost) {
            return;
        }
        if (trap.isPresent()) {
            trap.get().catchAt(backend, sent);
            passTrapped(request, trap.get());
        } else {
            send(request);
        }
    }

    private Optional<Trap> passing(String sql) {
        String before = transaction;
        transaction = (sql.equals("BEGIN") ? "" : before) + sql + "\n";
        return traffic.passing(before, sql);
    }

    private void passTrapped(List<Message> request, Trap trap) throws IOException, InterruptedException {
        switch (trap.effect()) {
            case ANSWER_LOST, ACTION_AFTERWARDS -> {
                caught = new Caught(trap, readiesAsked + 1);
                send(request);
            }
            case REQUEST_LOST -> {
                cutClient();
                trap.spring();
            }
            case REQUEST_HELD -> {
                caught = new Caught(trap, readiesAsked + 1);
                cutClient();
                trap.spring();
                trap.awaitRelease();
                send(request);
            }
            case ACTION_INSTEAD -> {
                trap.act();
                trap.spring();
            }
            case ACTION_FIRST -> {
                trap.act();
                send(request);
                trap.spring();
            }
        }
    }

    private void send(List<Message> request) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Message message : request) {
            message.writeTo(bytes);
            if (message.asksForReady()) {
                readiesAsked++;
            }
        }
        bytes.writeTo(server.getOutputStream());
    }

    private void passAnswers() throws IOException, InterruptedException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(server.getInputStream()));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(client.getOutputStream()));
        int readies = 0;
        try {
            while (true) {
                byte type = in.readByte();
                int length = in.readInt();
                byte[] body = in.readNBytes(length - Integer.BYTES);
                traffic.awaitGo();
                if (type == KEY_OF_THE_BACKEND) {
                    backend = ByteBuffer.wrap(body).getInt();
                } else if (type == READY_FOR_QUERY) {
                    readies++;
                    traffic.awaitDelay();
                }
                if (!lost(readies) && !answersLost) {
                    answer(type, body, out, in.available() == 0);
                }
            }
        } finally {
            traffic.awaitGo();
            if (!serverCut && !answersLost) {
                close(client);
            }
        }
    }

    /** Whether the client does not get this answer; the last one that it does not get costs it the connection. */
    private boolean lost(int readies) {
        Caught last = caught;
        if (last == null) {
            return clientCut;
        }
        if (readies >= last.ready() && !acted) {
            acted = true; // what comes next may be a word of the server that was ended by it
            last.trap().act();
            cutClient();
            last.trap().answer();
            last.trap().spring();
        }
        return true;
    }

    private void answer(byte type, byte[] body, DataOutputStream out, boolean last) throws IOException {
        try {
            out.writeByte(type);
            out.writeInt(body.length + Integer.BYTES);
            out.write(body);
            if (last) {
                out.flush();
            }
        } catch (IOException e) {
            if (!clientCut) {
                throw e;
            }
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The trap that caught a statement; the how manieth time the server says then that it is ready. */
    private record Caught(Trap trap, int ready) {}
}
