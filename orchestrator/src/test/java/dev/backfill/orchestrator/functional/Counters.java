package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;

/** A table {@code c} of counters in a database of its own, and what a run over it must have done. */
final class Counters implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final int FEWEST_SLICES = 3;
    private static final int FEWEST_BATCHES = 20;

    /** What the rows are gone over by. */
    enum Order {
        /** The primary key. */
        ID("{ by: id }", "SELECT"),
        /** A time that is NULL in some rows and equal in more rows than a batch has; indexed by itself. */
        AT("{ by: time, column: at }", "CREATE INDEX ON c (at)"),
        /** The same, indexed together with the primary key. */
        AT_AND_ID("{ by: time, column: at }", "CREATE INDEX ON c (at, id)");

        private final String range;
        private final String index;

        Order(String range, String index) {
            this.range = range;
            this.index = index;
        }

        String range() {
            return range;
        }
    }

    private final TestDatabase database;
    private final long rows;
    private volatile boolean migrated;

    private Counters(TestDatabase database, long rows) {
        this.database = database;
        this.rows = rows;
    }

    /** Creates so many rows: the time of a tenth is NULL, that of a fifth is the same. */
    static Counters create(Order order, long rows) throws SQLException {
        TestDatabase database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, at timestamptz, n integer NOT NULL DEFAULT 0)",
                """
                INSERT INTO c SELECT id, CASE
                    WHEN id %% 10 = 0 THEN NULL
                    WHEN id BETWEEN %1$d * 2 / 5 AND %1$d * 3 / 5 THEN '2026-02-01'::timestamptz
                    WHEN id < %1$d / 2 THEN '2026-01-01'::timestamptz + id * interval '1 s'
                    ELSE '2026-03-01'::timestamptz + id * interval '1 s' END
                FROM generate_series(1, %1$d) AS id
                """.formatted(rows),
                order.index,
                "ANALYZE c");
        return new Counters(database, rows);
    }

    TestDatabase database() {
        return database;
    }

    BackfillProcess.Builder run(Path job, String... more) {
        String[] arguments = new String[more.length + 4];
        arguments[0] = "run";
        arguments[1] = job.toString();
        arguments[2] = "--database";
        arguments[3] = database.jdbcUrl();
        System.arraycopy(more, 0, arguments, 4, more.length);
        return BackfillProcess.builder(arguments);
    }

    /** Calls {@code run} and waits for its end. */
    int exitCode(Path job, String... more) throws IOException, InterruptedException {
        try (BackfillProcess process = run(job, more).start()) {
            return process.waitFor(PATIENCE);
        }
    }

    /** Waits until this process has a slice, or has ended. */
    void awaitWorking(BackfillProcess process) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> !process.isAlive() || isWorking(process));
    }

    /** Whether a slice is this process's. */
    boolean isWorking(BackfillProcess process) throws SQLException {
        return slices("state = 'RUNNING' AND owner LIKE '%/" + process.pid() + "/%'") > 0;
    }

    /** How many slices meet this condition; none before the own tables are there. */
    long slices(String condition) throws SQLException {
        return isMigrated() ? database.queryLong("SELECT count(*) FROM backfill.slice WHERE " + condition) : 0;
    }

    /** How many batches were committed. */
    long batches() throws SQLException {
        return isMigrated() ? database.queryLong("SELECT coalesce(sum(batches), 0) FROM backfill.slice") : 0;
    }

    /** The states of all runs, the oldest first. */
    String state() throws SQLException {
        return String.join(" and ", database.queryStrings("SELECT state FROM backfill.run ORDER BY created"));
    }

    /** Every row was changed exactly once, the slices say so too, and it was proven. */
    void assertDoneOnce() throws SQLException {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM c GROUP BY n"))
                .as("how often rows were changed")
                .containsExactly("1 x " + rows);
        assertThat(
                        database.queryStrings(
                                "SELECT sum(rows_scanned) || ' scanned, ' || sum(rows_changed) || ' changed' FROM backfill.slice"))
                .containsExactly(rows + " scanned, " + rows + " changed");
        assertThat(slices("state <> 'DONE'")).as("slices left").isZero();
        assertThat(slices("true")).as("slices").isGreaterThanOrEqualTo(FEWEST_SLICES);
        assertThat(batches()).as("batches").isGreaterThanOrEqualTo(FEWEST_BATCHES);
        assertThat(state()).isEqualTo("SUCCEEDED");
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof"))
                .containsExactly("0");
    }

    /** The same, and a further call finds nothing to do. */
    void assertDoneOnceForGood(Path job) throws Exception {
        assertDoneOnce();
        try (BackfillProcess process = run(job).start()) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            assertThat(process.output()).contains("has succeeded already");
        }
        assertDoneOnce();
    }

    private boolean isMigrated() throws SQLException {
        migrated = migrated || database.queryLong("SELECT count(to_regclass('backfill.slice'))") > 0;
        return migrated;
    }

    @Override
    public void close() throws SQLException {
        database.close();
    }
}
