package dev.backfill.orchestrator.testing;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A PostgreSQL server of its own whose clock can be set, and goes on from there. Every other clock stays as it is. Closing it
 * ends the server.
 *
 * <p>Its clock has to be ahead of the real one: the server's handlers of signals see the real time, and every time-out
 * would seem to be over. So statements do not time out, and none should run while the clock is set.
 */
public final class ClockedServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final FakeClock clock;
    private final Process process;
    private final TestPostgres postgres;

    private ClockedServer(FakeClock clock, Process process, TestPostgres postgres) {
        this.clock = clock;
        this.process = process;
        this.postgres = postgres;
    }

    /** Starts a server of the newest version in an empty directory. */
    public static ClockedServer start(Path directory, Instant now) throws Exception {
        Path programs = Path.of(TestPostgres.newest().programs());
        Path data = directory.resolve("data");
        Path log = directory.resolve("server.log");
        FakeClock clock = FakeClock.in(directory, ahead(now));
        ProcessBuilder initdb = unprivileged(
                programs.resolve("initdb"),
                "-D",
                data,
                "-U",
                TestPostgres.SUPERUSER,
                "-A",
                "trust",
                "--no-sync",
                "--locale=C");
        int exit = initdb.redirectOutput(log.toFile()).start().waitFor();
        if (exit != 0) {
            throw new IOException("initdb failed: " + Files.readString(log));
        }
        int port = freePort();
        ProcessBuilder server = unprivileged(
                programs.resolve("postgres"), "-D", data, "-p", port, "-k", "", "-c", "listen_addresses=127.0.0.1");
        clock.of(server);
        Process process = server.redirectOutput(Redirect.appendTo(log.toFile())).start();
        ClockedServer started = new ClockedServer(clock, process, TestPostgres.at(port));
        started.awaitReady(log);
        return started;
    }

    /** Whether this machine has what it takes. */
    public static boolean isPossible() {
        return FakeClock.isPossible();
    }

    /** The server. */
    public TestPostgres postgres() {
        return postgres;
    }

    /** Sets its clock. */
    public void setClock(Instant now) {
        clock.set(ahead(now));
    }

    @Override
    public void close() throws IOException {
        try {
            new ProcessBuilder("/bin/kill", "-INT", Long.toString(process.pid()))
                    .start()
                    .waitFor();
            process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }

    private static Duration ahead(Instant now) {
        Duration ahead = Duration.between(Instant.now(), now);
        if (ahead.isNegative()) {
            throw new IllegalArgumentException(now + " has passed");
        }
        return ahead;
    }

    /** The server refuses to be root; in a user namespace without a mapping root is nobody, and owns its files still. */
    private static ProcessBuilder unprivileged(Object... command) {
        List<String> words = new ArrayList<>();
        if ("root".equals(System.getProperty("user.name"))) {
            words.addAll(List.of("unshare", "-U"));
        }
        Stream.of(command).map(Object::toString).forEach(words::add);
        return new ProcessBuilder(words).redirectErrorStream(true);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitReady(Path log) throws IOException {
        await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> {
            if (!process.isAlive()) {
                throw new AssertionError("the server ended: " + Files.readString(log));
            }
            try {
                postgres.connect().close();
                return true;
            } catch (SQLException e) {
                return false;
            }
        });
    }
}
