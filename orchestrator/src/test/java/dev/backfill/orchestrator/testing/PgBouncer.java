package dev.backfill.orchestrator.testing;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * PgBouncer, from Debian's package {@code pgbouncer}, in transaction mode before a server: its clients share few sessions,
 * which it replaces every few seconds. On a port that stays; closing it ends it.
 */
public final class PgBouncer implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/sbin/pgbouncer");
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final TestPostgres server;
    private final Path directory;
    private final int port;
    private @Nullable Process process;

    private PgBouncer(TestPostgres server, Path directory) throws IOException {
        this.server = server;
        this.directory = directory;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = free.getLocalPort();
        }
    }

    /** Whether it is installed. */
    public static boolean isInstalled() {
        return Files.isExecutable(PROGRAM);
    }

    /**
     * Starts one that lets these users in without a password.
     *
     * @param directory an empty one, for its files
     * @param server which lets everybody in
     * @param sessions how many sessions on the server each user has in each database
     * @param users beside the superuser
     */
    public static PgBouncer start(Path directory, TestPostgres server, int sessions, TestRole... users)
            throws IOException {
        PgBouncer bouncer = new PgBouncer(server, directory);
        List<String> known = new ArrayList<>(List.of("\"" + TestPostgres.SUPERUSER + "\" \"\""));
        for (TestRole user : users) {
            known.add("\"" + user.name() + "\" \"\"");
        }
        Files.write(directory.resolve("users"), known);
        Files.writeString(directory.resolve("pgbouncer.ini"), """
                [databases]
                * = host=127.0.0.1 port=%d
                [pgbouncer]
                pool_mode = transaction
                default_pool_size = %d
                server_lifetime = 3
                server_round_robin = 1
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = trust
                auth_file = %s
                """.formatted(
                        server.port(), sessions, bouncer.port, directory.resolve("users")));
        bouncer.startAgain();
        return bouncer;
    }

    /** Where it listens, on the loopback interface. */
    public int port() {
        return port;
    }

    /** The URL of a database for the superuser, by way of it. */
    public String jdbcUrl(TestDatabase database) {
        return jdbcUrl(database, TestPostgres.SUPERUSER);
    }

    /** The URL of a database for a user, by way of it. */
    public String jdbcUrl(TestDatabase database, String user) {
        return database.server().url(database.name(), user, port);
    }

    /** Ends it at once, with all its connections. */
    public void kill9() throws InterruptedException {
        Process running = process;
        if (running != null) {
            running.destroyForcibly().waitFor();
        }
    }

    /** Starts it after an end; returns when it answers. */
    public void startAgain() throws IOException {
        List<String> command = new ArrayList<>();
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(List.of("unshare", "-U")); // it refuses to be root
        }
        command.addAll(
                List.of(PROGRAM.toString(), directory.resolve("pgbouncer.ini").toString()));
        Path log = directory.resolve("log");
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()))
                .start();
        await("PgBouncer answers; its log is " + log)
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .ignoreExceptions()
                .until(this::answers);
    }

    private boolean answers() throws SQLException {
        try (Connection connection =
                DriverManager.getConnection(server.url(TestPostgres.SUPERUSER, TestPostgres.SUPERUSER, port))) {
            return connection.isValid(1);
        }
    }

    @Override
    public void close() {
        try {
            kill9();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
