package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.testing.ReplayLimit;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;

/**
 * A primary with a standby whose replay can be slowed, and the tables that rules are tried on. Autovacuum is off and
 * checkpoints are rare, so that none of them falls to one rule and not to another.
 */
final class StandbyPlant implements AutoCloseable {

    /** What each rule changes, by ids from 1. */
    static final String TABLE = "measures";

    /** What the application changes. */
    static final String ACCOUNTS = "accounts";

    static final int ACCOUNT_ROWS = 200_000;

    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private final Path directory;
    private final TestStandby servers;
    private final TestDatabase primary;
    private final TestDatabase standby;

    private StandbyPlant(Path directory, TestStandby servers) throws SQLException {
        this.directory = directory;
        this.servers = servers;
        this.primary = servers.primary().newDatabase();
        this.standby = primary.on(servers.standby());
    }

    /** Starts it below an empty directory. */
    static StandbyPlant start(Path directory) throws IOException, SQLException, InterruptedException {
        TestStandby servers = TestStandby.start(
                directory,
                "shared_buffers=1GB",
                "max_wal_size=16GB",
                // No file of the log is made anew by one rule that another has recycled.
                "min_wal_size=16GB",
                "checkpoint_timeout=1h",
                "full_page_writes=off",
                "wal_init_zero=off",
                "autovacuum=off",
                "max_standby_streaming_delay=-1");
        StandbyPlant plant = new StandbyPlant(directory, servers);
        plant.primary.execute(
                "CREATE TABLE heartbeat (at timestamptz NOT NULL) WITH (fillfactor = 10)",
                "INSERT INTO heartbeat VALUES (clock_timestamp())",
                "CREATE TABLE " + ACCOUNTS + " AS SELECT g AS id, 0 AS balance, repeat('x', 300) AS note"
                        + " FROM generate_series(1, " + ACCOUNT_ROWS + ") AS g",
                "ALTER TABLE " + ACCOUNTS + " ADD PRIMARY KEY (id)",
                "VACUUM ANALYZE " + ACCOUNTS);
        plant.awaitCaughtUp();
        return plant;
    }

    /** The database on the primary. */
    TestDatabase primary() {
        return primary;
    }

    /** The same on the standby. */
    TestDatabase standby() {
        return standby;
    }

    /** Both servers. */
    TestStandby servers() {
        return servers;
    }

    /** Makes the table anew; returns when the standby has it and nothing is left to write. */
    void renew(long rows) throws SQLException, InterruptedException {
        create(primary, rows);
        awaitCaughtUp();
        standby.execute("CHECKPOINT");
    }

    /** Makes a table of so many rows anew. */
    static void create(TestDatabase database, long rows) throws SQLException {
        database.execute(
                "DROP TABLE IF EXISTS " + TABLE,
                "CREATE TABLE " + TABLE + " (id bigint NOT NULL, n int NOT NULL, touched int NOT NULL, note text)",
                "INSERT INTO " + TABLE + " SELECT g, 0, 0, repeat('x', 200) FROM generate_series(1, " + rows + ") AS g",
                "ALTER TABLE " + TABLE + " ADD PRIMARY KEY (id)",
                "VACUUM (FREEZE, ANALYZE) " + TABLE,
                "CHECKPOINT");
    }

    /** How many rows were changed since it was made, each as often as it was. */
    static long changed(TestDatabase database) throws SQLException {
        return database.queryLong("SELECT sum(n) FROM " + TABLE);
    }

    /** Where the primary writes, in bytes of WAL. */
    long position() throws SQLException {
        return primary.queryLong("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");
    }

    /** How far the standby has replayed, in bytes of WAL. */
    long replayed() throws SQLException {
        return standby.queryLong("SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint");
    }

    /** Returns when the standby has replayed all that the primary has written by now. */
    void awaitCaughtUp() throws SQLException, InterruptedException {
        long end = position();
        long since = System.nanoTime();
        while (replayed() < end) {
            if (System.nanoTime() - since > PATIENCE.toNanos()) {
                throw new IllegalStateException("the standby does not catch up");
            }
            Thread.sleep(20);
        }
    }

    /** Its replay, to be slowed. */
    ReplayLimit limit() throws IOException {
        return ReplayLimit.of(directory.resolve("standby"));
    }

    @Override
    public void close() throws IOException {
        servers.close();
    }
}
