package dev.backfill.orchestrator.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;

/** An HTTP server that is no daemon, or a daemon in a bad state: it has one answer to everything. */
public final class Stranger implements AutoCloseable {

    private final HttpServer server;
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);

    private Stranger(Answer answer) throws IOException {
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
        server.createContext("/", exchange -> {
            asked.countDown();
            try (exchange) {
                answer.to(exchange, closed);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }

    /** One that always says the same. */
    public static Stranger saying(int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(UTF_8);
        return new Stranger((exchange, closed) -> {
            if (!type.isEmpty()) {
                exchange.getResponseHeaders().add("content-type", type);
            }
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        });
    }

    /** One that answers like a daemon, by a function from the method and path of a request to JSON. */
    public static Stranger acting(UnaryOperator<String> part) throws IOException {
        return new Stranger((exchange, closed) -> {
            byte[] bytes = part.apply(exchange.getRequestMethod() + " "
                            + exchange.getRequestURI().getPath())
                    .getBytes(UTF_8);
            exchange.getResponseHeaders().add("content-type", "application/json");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
        });
    }

    /** One that takes requests and says nothing. */
    public static Stranger silent() throws IOException {
        return new Stranger((exchange, closed) -> closed.await());
    }

    /** One that begins a good answer and does not go on with it. */
    public static Stranger stalling() throws IOException {
        return new Stranger((exchange, closed) -> {
            exchange.getResponseHeaders().add("content-type", "application/json");
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            closed.await();
        });
    }

    /** Where it listens. */
    public String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Counted down when somebody has asked. */
    public CountDownLatch asked() {
        return asked;
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
    }

    private interface Answer {
        void to(HttpExchange exchange, CountDownLatch closed) throws IOException, InterruptedException;
    }
}
