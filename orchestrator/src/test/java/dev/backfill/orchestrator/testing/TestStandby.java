package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A primary of its own with a streaming standby called {@code standby1}. Other tests do not see either. Closing it ends
 * both.
 */
public final class TestStandby implements AutoCloseable {

    /** What the standby calls itself. */
    public static final String NAME = "standby1";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ServerProcess primary;
    private final ServerProcess standby;
    private final String[] settings;

    private TestStandby(ServerProcess primary, ServerProcess standby, String... settings) {
        this.settings = settings;
        this.primary = primary;
        this.standby = standby;
    }

    /**
     * Starts both, of the newest version, below an empty directory, with settings such as {@code shared_buffers=1GB};
     * returns when the standby streams.
     */
    public static TestStandby start(Path directory, String... settings)
            throws IOException, SQLException, InterruptedException {
        return start(TestPostgres.NEWEST, directory, settings);
    }

    /** The same of another version. */
    public static TestStandby start(int major, Path directory, String... settings)
            throws IOException, SQLException, InterruptedException {
        ServerProcess primary = ServerProcess.create(major, directory.resolve("primary"), "replication-primary");
        TestStandby both =
                new TestStandby(primary, primary.copy(directory.resolve("standby"), "replication-standby"), settings);
        Files.createFile(both.standby.data().resolve("standby.signal"));
        try {
            both.primary.start(settings);
            both.startStandby();
            return both;
        } catch (SQLException e) {
            both.close();
            throw e;
        }
    }

    /** The primary, to create databases on. */
    public TestPostgres primary() {
        return TestPostgres.at(primary.port());
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
        ServerProcess.run("kill", "-STOP", standby.query("SELECT pid FROM pg_stat_wal_receiver"));
    }

    public void thawReceiver() throws SQLException, IOException, InterruptedException {
        ServerProcess.run("kill", "-CONT", standby.query("SELECT pid FROM pg_stat_wal_receiver"));
    }

    /** Ends the process that receives, and all that it has not read; the standby goes on with what it has. */
    public void killReceiver() throws SQLException, IOException, InterruptedException {
        ServerProcess.run("kill", "-KILL", standby.query("SELECT pid FROM pg_stat_wal_receiver"));
        standby.awaitAnswer();
    }

    /** Ends the standby at once. */
    public void killStandby() throws IOException, InterruptedException {
        standby.stop("QUIT");
    }

    /** Kills the standby's postmaster; whoever it has started ends by that. */
    public void kill9Standby() throws IOException, InterruptedException {
        standby.stop("KILL");
    }

    /** Starts the standby; returns when it streams. */
    public void startStandby() throws IOException, SQLException, InterruptedException {
        List<String> all = new ArrayList<>(List.of(settings));
        all.add("primary_conninfo=host=127.0.0.1 port=" + primary.port() + " user=" + TestPostgres.SUPERUSER
                + " application_name=" + NAME);
        all.addAll(List.of("wal_receiver_status_interval=1s", "wal_retrieve_retry_interval=200ms"));
        standby.start(all.toArray(String[]::new));
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
        primary.start(settings);
    }

    /** Starts the primary, which is stopped, as a standby: it lets everybody read. */
    public void startPrimaryDemoted() throws IOException, SQLException, InterruptedException {
        Files.createFile(primary.data().resolve("standby.signal"));
        primary.start(settings);
    }

    /** Makes the standby a primary. */
    public void promote() throws SQLException {
        standby.query("SELECT pg_promote()");
    }

    /** Ends the primary at once. */
    public void killPrimary() throws IOException, InterruptedException {
        primary.stop("QUIT");
    }

    /** The URL of a database on whichever of the two is the primary. */
    public String urlOfThePrimary(String database) {
        return "jdbc:postgresql://127.0.0.1:" + primary.port() + ",127.0.0.1:" + standby.port() + "/" + database
                + "?targetServerType=primary&user=" + TestPostgres.SUPERUSER + "&sslmode=disable";
    }

    /** The standby, to look at databases there. */
    public TestPostgres standby() {
        return TestPostgres.at(standby.port());
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
}
