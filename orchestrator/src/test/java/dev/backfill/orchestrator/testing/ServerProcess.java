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

/** A server that is started and ended as often as a test likes, on a port that stays. */
final class ServerProcess {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path postgres;
    private final Path data;
    private final Path log;
    private final int port;
    private @Nullable Process process;

    private ServerProcess(Path postgres, Path data, Path log) throws IOException {
        this.postgres = postgres;
        this.data = data;
        this.log = log;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = free.getLocalPort();
        }
    }

    /** Creates one of the newest version that does not run yet, with its data in an empty directory. */
    static ServerProcess create(Path data, String name) throws IOException {
        return create(TestPostgres.NEWEST, data, name);
    }

    /** Creates one of another version. */
    static ServerProcess create(int major, Path data, String name) throws IOException {
        return create(TestPostgres.builder(major), data, name);
    }

    /** Creates one of another version, whose files of WAL have 1 MB: a test has many of them soon. */
    static ServerProcess createWithSmallWal(int major, Path data, String name) throws IOException {
        EmbeddedPostgres.Builder builder = TestPostgres.builder(major)
                .setLocaleConfig("wal-segsize", "1"); // an option of initdb like those of a locale
        return create(builder, data, name);
    }

    private static ServerProcess create(EmbeddedPostgres.Builder builder, Path data, String name) throws IOException {
        builder.setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setServerConfig("max_connections", "100")
                .setOutputRedirector(Redirect.DISCARD)
                .start()
                .close();
        String postgres = Files.readString(data.resolve("postmaster.opts")).split(" ", 2)[0];
        return new ServerProcess(Path.of(postgres), data, TestPostgres.BINARIES.resolve(name + ".log"));
    }

    /** Another one with the same data. */
    ServerProcess copy(Path copied, String name) throws IOException, InterruptedException {
        run("cp", "-a", data.toString(), copied.toString());
        return new ServerProcess(postgres, copied, TestPostgres.BINARIES.resolve(name + ".log"));
    }

    static void run(String... command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exit != 0) {
            throw new AssertionError(String.join(" ", command) + " ended with " + exit);
        }
    }

    Path data() {
        return data;
    }

    Path log() {
        return log;
    }

    int port() {
        return port;
    }

    /** Starts it with these settings; answers when it does. */
    void start(String... settings) throws IOException, SQLException, InterruptedException {
        List<String> command = new ArrayList<>();
        if (System.getProperty("user.name").equals("root")) {
            command.addAll(List.of("unshare", "-U")); // the server refuses to be root
        }
        command.addAll(List.of(postgres.toString(), "-D", data.toString(), "-p", Integer.toString(port), "-F"));
        command.addAll(List.of("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="));
        command.addAll(List.of("-c", "wal_keep_size=512MB", "-c", "synchronous_commit=on"));
        for (String setting : settings) {
            command.addAll(List.of("-c", setting));
        }
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()))
                .start();
        process = started;
        awaitAnswer();
    }

    boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** Waits until it answers. */
    void awaitAnswer() throws SQLException, InterruptedException {
        long since = System.nanoTime();
        while (true) {
            try {
                query("SELECT 1");
                return;
            } catch (SQLException e) {
                if (process == null || !process.isAlive() || System.nanoTime() - since > PATIENCE.toNanos()) {
                    throw new SQLException("the server does not answer; its log is " + log, e);
                }
                Thread.sleep(20);
            }
        }
    }

    /** Ends it by a signal: INT ends its sessions and is orderly, QUIT is at once, and it recovers when it starts. */
    void stop(String signal) throws IOException, InterruptedException {
        Process running = process;
        if (running != null && running.isAlive()) {
            run("kill", "-" + signal, Long.toString(running.pid()));
            if (!running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("the server does not end; its log is " + log);
            }
        }
    }

    /** The one value that a query finds. */
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
