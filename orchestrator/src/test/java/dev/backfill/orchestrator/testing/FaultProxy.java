package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.testing.Trap.Effect;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A network that fails when it is told to: passes TCP connections on to a server and understands what clients say. It
 * answers a request for encryption with no.
 */
public final class FaultProxy implements AutoCloseable {

    /** When something is done at a statement. */
    public enum Moment {
        /** Before the server gets it, which it never does. */
        BEFORE,
        /** When the client can do nothing about it any more; the server runs it. */
        DURING,
        /** When the server has run it, and the client has no answer yet, which it never gets. */
        AFTER
    }

    /** Which way something goes. */
    public enum Direction {
        /** From the client to the server. */
        REQUESTS,
        /** From the server to the client. */
        ANSWERS
    }

    /** The statement with which the driver ends a transaction. */
    public static final Predicate<String> COMMIT = "COMMIT"::equals;

    private final ServerSocket listener;
    private final int serverPort;
    private final Traffic traffic = new Traffic();
    private final List<ProxiedConnection> connections = new CopyOnWriteArrayList<>();
    private volatile boolean refusing;

    private FaultProxy(int serverPort) throws IOException {
        this.serverPort = serverPort;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Threads.startDaemon("proxy-" + listener.getLocalPort(), this::acceptAll);
    }

    /** Starts a proxy that lets everything pass. */
    public static FaultProxy to(TestPostgres server) throws IOException {
        return to(server.port());
    }

    /** The same to a port of this machine. */
    public static FaultProxy to(int port) throws IOException {
        return new FaultProxy(port);
    }

    /** Where clients connect, on the loopback interface. */
    public int port() {
        return listener.getLocalPort();
    }

    /** Calls the listener before a statement goes on to the server, with its SQL. */
    public void onExecute(Consumer<String> sqlListener) {
        traffic.listen(sqlListener);
    }

    /** The server runs the n-th such statement from now on, and the client loses its connection instead of the answer. */
    public Trap loseAnswer(Predicate<String> statement, int occurrence) {
        return set(Effect.ANSWER_LOST, statement, occurrence);
    }

    /** The client loses its connection with the n-th such statement; the server waits for it and knows nothing. */
    public Trap loseRequest(Predicate<String> statement, int occurrence) {
        return set(Effect.REQUEST_LOST, statement, occurrence);
    }

    /** The client loses its connection with the n-th such statement; the server gets it when the trap is released. */
    public Trap holdRequest(Predicate<String> statement, int occurrence) {
        return set(Effect.REQUEST_HELD, statement, occurrence);
    }

    /**
     * Something is done at the n-th such statement, which the test is given behind those before it of the same
     * transaction.
     */
    public Trap at(Moment moment, BiPredicate<String, String> statement, int occurrence, Runnable action) {
        Effect effect = switch (moment) {
            case BEFORE -> Effect.ACTION_INSTEAD;
            case DURING -> Effect.ACTION_FIRST;
            case AFTER -> Effect.ACTION_AFTERWARDS;
        };
        return set(new Trap(effect, statement, occurrence, action));
    }

    /** From now on nothing arrives anywhere and nobody is told, not even that the other side hung up. */
    public void blackHole() {
        traffic.stop();
    }

    /** What waited in the black hole arrives, and everything after it. */
    public void heal() {
        traffic.go();
    }

    /** Every round trip takes this much longer. */
    public void delay(Duration roundTrip) {
        delay(roundTrip, Duration.ZERO);
    }

    /** Every round trip takes this much longer, and up to the jitter more. */
    public void delay(Duration roundTrip, Duration jitter) {
        traffic.delay(roundTrip, jitter);
    }

    /**
     * What goes these ways over the connections of now is lost from now on, their end too, and nobody is told. New
     * connections pass.
     */
    public void swallow(Direction... directions) {
        connections.forEach(connection -> connection.swallow(List.of(directions)));
    }

    /** Cuts both sides off with a reset, which throws away what is on its way. New connections pass. */
    public void reset() {
        connections.forEach(ProxiedConnection::reset);
    }

    /** Cuts the clients off; the server does not learn of it. New connections pass. */
    public void cutClients() {
        connections.forEach(ProxiedConnection::cutClient);
    }

    /** Cuts the server off; the clients do not learn of it. New connections pass. */
    public void cutServers() {
        connections.forEach(ProxiedConnection::cutServer);
    }

    /** Cuts everything off and refuses new connections, as a server does that is down. */
    public void down() {
        refusing = true;
        closeConnections();
    }

    /** Takes connections again. */
    public void up() {
        refusing = false;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        closeConnections();
        traffic.go();
    }

    private void closeConnections() {
        connections.forEach(ProxiedConnection::close);
        connections.clear();
    }

    private Trap set(Effect effect, Predicate<String> statement, int occurrence) {
        return set(new Trap(effect, (before, sql) -> statement.test(sql), occurrence, () -> {}));
    }

    private Trap set(Trap trap) {
        traffic.set(trap);
        return trap;
    }

    private void acceptAll() throws IOException {
        while (true) {
            connect(listener.accept());
        }
    }

    private void connect(Socket client) throws IOException {
        if (refusing) {
            client.close();
            return;
        }
        try {
            Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
            connections.add(ProxiedConnection.start(client, server, traffic));
        } catch (IOException e) {
            client.close();
        }
    }
}
