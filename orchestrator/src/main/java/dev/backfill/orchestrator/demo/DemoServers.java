package dev.backfill.orchestrator.demo;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.timing.Stop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * A primary with a streaming standby. They are gone when this is closed, and when this process ends in any way. One
 * thread.
 */
public final class DemoServers implements AutoCloseable {

    /** Name of the database, and of the ordinary role that owns it. */
    static final String SHOP = "shop";

    private static final String STANDBY = "standby-1";
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final int LOOKS = 600;

    /**
     * Small and quick. Nothing has to survive a power failure here, so nothing waits for a disk; and no shared memory is a
     * file elsewhere, so none stays when a server is killed.
     */
    private static final List<String> SETTINGS = List.of(
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "wal_level=replica",
            "hot_standby=on",
            "max_connections=50",
            "shared_buffers=128MB",
            "dynamic_shared_memory_type=mmap",
            "max_wal_size=1GB",
            "min_wal_size=256MB",
            "wal_keep_size=512MB",
            "wal_receiver_status_interval=1s",
            "fsync=off",
            "full_page_writes=off",
            "jit=off",
            "timezone=UTC");

    private static final String ROLE = """
            CREATE ROLE shop LOGIN PASSWORD '%s' IN ROLE pg_monitor
            """;
    private static final String DATABASE = """
            CREATE DATABASE shop OWNER shop
            """;
    private static final String STANDBYS = """
            SELECT application_name, state, sent_lsn, replay_lsn
            FROM pg_stat_replication
            WHERE state = 'streaming' AND replay_lsn IS NOT NULL
            """;

    private final Watchdog watchdog;
    private final Stop stop;
    private final String password = newPassword();
    private final List<Server> servers = new ArrayList<>();

    private DemoServers(Watchdog watchdog, Stop stop) {
        this.watchdog = watchdog;
        this.stop = stop;
    }

    /**
     * A standby as the primary sees it.
     *
     * @param name its application_name
     * @param state of its replication
     * @param sent how far WAL was sent to it
     * @param replayed how far it has replayed WAL
     */
    public record Standby(String name, String state, String sent, String replayed) {}

    /**
     * Starts both servers and makes an empty database.
     *
     * @param stop ends this early
     * @return to be closed
     * @throws InterruptedIOException when asked to stop; nothing is left then
     * @throws IOException when it cannot be done; nothing is left then
     * @throws SQLException when the primary does not do what is asked
     */
    public static DemoServers start(Stop stop) throws IOException, SQLException {
        Watchdog watchdog = Watchdog.in(Path.of(System.getProperty("java.io.tmpdir")));
        DemoServers servers = new DemoServers(watchdog, stop);
        try {
            servers.start(Programs.in(watchdog.directory(), stop));
            return servers;
        } catch (IOException | SQLException | RuntimeException e) {
            watchdog.close();
            throw e;
        }
    }

    /**
     * Where the database is, and as whom it is used.
     *
     * @return an ordinary role that owns it and may see how its standby stands
     */
    public Login login() {
        return new Login(primary().url(SHOP), Optional.of(SHOP), Optional.of(password));
    }

    /**
     * The standby.
     *
     * @return it, once it streams
     * @throws IOException when it does not
     * @throws SQLException when the primary does not answer
     */
    public Standby standby() throws IOException, SQLException {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            for (int look = 0; look < LOOKS; look++) {
                try (ResultSet row = statement.executeQuery(STANDBYS)) {
                    if (row.next()) {
                        return new Standby(row.getString(1), row.getString(2), row.getString(3), row.getString(4));
                    }
                }
                stop.sleep(LOOK);
                Programs.goOnUnless(stop);
            }
        }
        throw new IOException("the standby does not stream; its log: "
                + Files.readString(standbyData().resolveSibling("standby.log"), StandardCharsets.UTF_8));
    }

    /**
     * A place for files that go with the servers.
     *
     * @return a directory that only its owner may look into
     */
    public Path directory() {
        return watchdog.directory();
    }

    /** Stops both servers and removes everything that they wrote. */
    @Override
    public void close() {
        watchdog.close();
    }

    /** A session in the database, as its owner. */
    Connection connect() throws SQLException {
        return primary().connect(SHOP, SHOP, password);
    }

    private void start(Programs programs) throws IOException, SQLException {
        Path data = directory().resolve("primary");
        Path secret = directory().resolve("password");
        programs.write(secret, password + "\n");
        List<String> arguments = new ArrayList<>(List.of(
                "--pgdata=" + data,
                "--username=" + Server.SUPERUSER,
                "--pwfile=" + secret,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync"));
        SETTINGS.forEach(setting -> arguments.add("--set=" + setting));
        programs.run("initdb", arguments.toArray(String[]::new));
        // A cluster that was never started was never stopped uncleanly: its copy can follow it from its first record.
        programs.copy(data, standbyData());
        servers.add(Server.start(programs, data));
        programs.write(standbyData().resolve("standby.signal"), "");
        programs.write(
                standbyData().resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%d user=%s password=%s application_name=%s sslmode=disable'%n"
                        .formatted(primary().port(), Server.SUPERUSER, password, STANDBY));
        servers.add(Server.start(programs, standbyData()));
        createDatabase();
    }

    private void createDatabase() throws SQLException {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            statement.execute(ROLE.formatted(password));
            statement.execute(DATABASE);
        }
    }

    private Path standbyData() {
        return directory().resolve("standby");
    }

    private Server primary() {
        return servers.get(0);
    }

    private Connection superuser() throws SQLException {
        return primary().connect("postgres", Server.SUPERUSER, password);
    }

    private static String newPassword() {
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
