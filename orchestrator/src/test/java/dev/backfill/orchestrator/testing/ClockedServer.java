package dev.backfill.orchestrator.testing;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A PostgreSQL server of its own whose clock can be set, and goes on from there. Every other clock stays as it is. By
 * libfaketime, from Debian's package {@code faketime}. Closing it ends the server.
 *
 * <p>Its clock has to be ahead of the real one: the server's handlers of signals see the real time, and every time-out
 * would seem to be over. So statements do not time out, and none should run while the clock is set.
 */
public final class ClockedServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Path LIBRARIES = Path.of("/usr/lib");

    private final Path directory;
    private final Process process;
    private final TestPostgres postgres;

    private ClockedServer(Path directory, Process process, TestPostgres postgres) {
        this.directory = directory;
        this.process = process;
        this.postgres = postgres;
    }

    /** Starts a server of the newest version in an empty directory. */
    public static ClockedServer start(Path directory, Instant now) throws Exception {
        Path programs = Path.of(TestPostgres.newest().programs());
        Path data = directory.resolve("data");
        Path log = directory.resolve("server.log");
        setClock(directory, now);
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
        server.environment().put("LD_PRELOAD", library().toString());
        server.environment().put("FAKETIME_TIMESTAMP_FILE", clock(directory).toString());
        server.environment().put("FAKETIME_NO_CACHE", "1");
        server.environment().put("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Process process = server.redirectOutput(Redirect.appendTo(log.toFile())).start();
        ClockedServer started = new ClockedServer(directory, process, TestPostgres.at(port));
        started.awaitReady(log);
        return started;
    }

    /** Whether this machine has what it takes. */
    public static boolean isPossible() {
        try {
            return Files.exists(library());
        } catch (IOException e) {
            return false;
        }
    }

    /** The server. */
    public TestPostgres postgres() {
        return postgres;
    }

    /** Sets its clock. */
    public void setClock(Instant now) throws IOException {
        setClock(directory, now);
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

    private static void setClock(Path directory, Instant now) throws IOException {
        double ahead = Duration.between(Instant.now(), now).toMillis() / 1000.0;
        if (ahead < 0) {
            throw new IllegalArgumentException(now + " has passed");
        }
        Path part = directory.resolve("clock.part");
        Files.writeString(part, String.format(Locale.ROOT, "%+.3f%n", ahead));
        Files.move(part, clock(directory), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Path clock(Path directory) {
        return directory.resolve("clock");
    }

    private static Path library() throws IOException {
        try (Stream<Path> machines = Files.list(LIBRARIES)) {
            return machines.map(machine -> machine.resolve("faketime").resolve("libfaketime.so.1"))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow(() -> new IOException("no libfaketime: install the package faketime"));
        }
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
