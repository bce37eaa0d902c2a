package dev.backfill.orchestrator.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A primary of its own with a streaming standby called {@code standby1}. Other tests do not see either. Closing it ends
 * both.
 */
public final class TestStandby implements AutoCloseable {

    /** What the standby calls itself. */
    public static final String NAME = "standby1";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path directory;
    private final Path postgres;
    private final Server primary;
    private final Server standby;

    private TestStandby(Path directory, Path postgres) throws IOException {
        this.directory = directory;
        this.postgres = postgres;
        this.primary = new Server("primary");
        this.standby = new Server("standby");
    }

    /** Starts both, of the newest version, below an empty directory; returns when the standby streams. */
    public static TestStandby start(Path directory) throws IOException, SQLException, InterruptedException {
        Path data = directory.resolve("primary");
        EmbeddedPostgres fresh = TestPostgres.builder(TestPostgres.NEWEST)
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setServerConfig("max_connections", "100")
                .setOutputRedirector(Redirect.DISCARD)
                .start();
        Path postgres =
                Path.of(Files.readString(data.resolve("postmaster.opts")).split(" ", 2)[0]);
        fresh.close();
        TestStandby both = new TestStandby(directory, postgres);
        run("cp", "-a", data.toString(), directory.resolve("standby").toString());
        Files.createFile(both.standby.data().resolve("standby.signal"));
        try {
            both.primary.start();
            both.startStandby();
            return both;
        } catch (SQLException e) {
            both.close();
            throw e;
        }
    }

    /** The primary, to create databases on. */
    public TestPostgres primary() {
        return TestPostgres.at(primary.port);
    }

    /** Has the standby receive, and not replay. */
    public void pauseReplay() throws SQLException {
        standby.query("SELECT pg_wal_replay_pause()");
    }

    public void resumeReplay() throws SQLException {
        standby.query("SELECT pg_wal_replay_resume()");
    }

    /** Stops the process that receives, as a machine that hangs does. */
    public void freezeReceiver() throws SQLException, IOException, InterruptedException {
        run("kill", "-STOP", standby.query("SELECT pid FROM pg_stat_wal_receiver"));
    }

    public void thawReceiver() throws SQLException, IOException, InterruptedException {
        run("kill", "-CONT", standby.query("SELECT pid FROM pg_stat_wal_receiver"));
    }

    /** Ends the standby at once. */
    public void killStandby() throws IOException, InterruptedException {
        standby.stop("QUIT");
    }

    /** Starts the standby; returns when it streams. */
    public void startStandby() throws IOException, SQLException, InterruptedException {
        standby.start(
                "primary_conninfo=host=127.0.0.1 port=" + primary.port + " user=" + TestPostgres.SUPERUSER
                        + " application_name=" + NAME,
                "wal_receiver_status_interval=1s",
                "wal_retrieve_retry_interval=200ms");
        long since = System.nanoTime();
        while (!primary.query("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
                .equals("1")) {
            if (System.nanoTime() - since > PATIENCE.toNanos()) {
                throw new AssertionError("the standby does not stream; see the log " + standby.log());
            }
            Thread.sleep(20);
        }
    }

    public void stopPrimary() throws IOException, InterruptedException {
        primary.stop("INT");
    }

    public void startPrimary() throws IOException, SQLException, InterruptedException {
        Files.deleteIfExists(primary.data().resolve("standby.signal"));
        primary.start();
    }

    /** Starts the primary, which is stopped, as a standby: it lets everybody read. */
    public void startPrimaryDemoted() throws IOException, SQLException, InterruptedException {
        Files.createFile(primary.data().resolve("standby.signal"));
        primary.start();
    }

    @Override
    public void close() throws IOException {
        try {
            standby.stop("QUIT");
            primary.stop("QUIT");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new AssertionError(String.join(" ", command) + " ended with " + exit);
        }
    }

    /** One of the two servers. */
    private final class Server {

        private final String name;
        private final int port;
        private @Nullable Process process;

        Server(String name) throws IOException {
            this.name = name;
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                this.port = free.getLocalPort();
            }
        }

        Path log() {
            return TestPostgres.BINARIES.resolve("replication-" + name + ".log");
        }

        Path data() {
            return directory.resolve(name);
        }

        void start(String... settings) throws IOException, SQLException, InterruptedException {
            List<String> command = new ArrayList<>();
            if (System.getProperty("user.name").equals("root")) {
                command.addAll(List.of("unshare", "-U")); // the server refuses to be root
            }
            command.addAll(List.of(postgres.toString(), "-D", data().toString(), "-p", Integer.toString(port), "-F"));
            command.addAll(List.of("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="));
            command.addAll(List.of("-c", "wal_keep_size=512MB", "-c", "synchronous_commit=on"));
            for (String setting : settings) {
                command.addAll(List.of("-c", setting));
            }
            Process started = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(log().toFile()))
                    .start();
            process = started;
            awaitAnswer(started);
        }

        private void awaitAnswer(Process started) throws SQLException, InterruptedException {
            long since = System.nanoTime();
            while (true) {
                try {
                    query("SELECT 1");
                    return;
                } catch (SQLException e) {
                    if (!started.isAlive() || System.nanoTime() - since > PATIENCE.toNanos()) {
                        throw new SQLException("the " + name + " does not answer; its log is " + log(), e);
                    }
                    Thread.sleep(20);
                }
            }
        }

        void stop(String signal) throws IOException, InterruptedException {
            Process running = process;
            if (running != null && running.isAlive()) {
                run("kill", "-" + signal, Long.toString(running.pid()));
                if (!running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    throw new AssertionError("the " + name + " does not end");
                }
            }
        }

        String query(String sql) throws SQLException {
            String url = TestPostgres.at(port).url(TestPostgres.SUPERUSER, TestPostgres.SUPERUSER, port);
            try (Connection connection = DriverManager.getConnection(url);
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(sql)) {
                row.next();
                return String.valueOf(row.getString(1));
            }
        }
    }
}
