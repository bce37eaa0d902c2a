package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.functional.FaultyRuns.FaultyRun;
import dev.backfill.orchestrator.testing.Faults;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.postgresql.PGConnection;

/**
 * Others lock rows of a run's table, or all of it, in mid-run. The run says so and who they are, goes on by itself when they
 * are gone, and lets nobody wait for its own locks.
 */
@Tag("fault")
@TestMethodOrder(OrderAnnotation.class)
class LocksInMidRunTest {

    private static final Duration LONG = Duration.ofSeconds(5);
    private static final String LAST_ROWS = "SELECT FROM {}.t WHERE id > {last} - 20 FOR UPDATE";
    private static final String ALL_ROWS = "SELECT FROM {}.t FOR UPDATE";

    /**
     * What somebody else does in a transaction that stays open for long.
     *
     * @param job of the run that it stands in the way of
     * @param statement what it does
     * @param errors the job's limits
     */
    record Holder(String job, String statement, String errors) {
        @Override
        public String toString() {
            return job;
        }
    }

    private static final List<Holder> HOLDERS = List.of(
            new Holder("row-locks", LAST_ROWS, ""),
            new Holder("all-row-locks", ALL_ROWS, ""),
            new Holder("table-lock", "LOCK TABLE {}.t IN ACCESS EXCLUSIVE MODE", ""),
            new Holder("share-lock", "LOCK TABLE {}.t IN SHARE MODE", ""),
            new Holder("open-alter-table", "ALTER TABLE {}.t ADD COLUMN more int NOT NULL DEFAULT 7", ""),
            new Holder("short-statements", ALL_ROWS, "errors: { statement-timeout: 200ms, lock-timeout: 400ms }"),
            new Holder(
                    "short-statements-table",
                    "LOCK TABLE {}.t IN ACCESS EXCLUSIVE MODE",
                    "errors: { statement-timeout: 200ms, lock-timeout: 400ms }"));

    private static FaultyRuns runs;

    @BeforeAll
    static void begin(@TempDir Path directory) throws Exception {
        runs = FaultyRuns.start(directory);
        HOLDERS.forEach(holder -> runs.begin(holder.job(), holder.errors(), run -> meet(run, holder)));
        runs.begin("prepared", LocksInMidRunTest::prepare);
        runs.begin("queued-alter-table", LocksInMidRunTest::alter);
        runs.begin("alter-table-behind-a-reader", LocksInMidRunTest::alterBehindAReader);
    }

    @AfterAll
    static void end() throws Exception {
        runs.close();
    }

    @Order(1)
    @ParameterizedTest
    @FieldSource("HOLDERS")
    void the_run_says_who_holds_the_locks_and_goes_on_by_itself_when_they_are_gone(Holder holder) throws Exception {
        runs.await(holder.job());
    }

    private static void meet(FaultyRun run, Holder holder) throws Exception {
        try (Connection other = run.open("SET application_name = 'holder'", holder.statement())) {
            int pid = other.unwrap(PGConnection.class).getBackendPID();
            run.awaitHeld(
                    "locked-rows",
                    "stay locked by others: canceling statement due to",
                    "tried again until they are free",
                    "pid " + pid + " (holder) for ");
            run.assertStandsFor(LONG);
            other.rollback();
        }
        run.assertDone();
        Faults.made(Faults.Kind.LOCKS);
    }

    @Order(1)
    @Test
    void a_prepared_transaction_is_named_too() throws Exception {
        runs.await("prepared");
    }

    private static void prepare(FaultyRun run) throws Exception {
        String gid = runs.database().name() + "-holder";
        try (Connection other = run.open(LAST_ROWS)) {
            other.createStatement().execute("PREPARE TRANSACTION '" + gid + "'");
        }
        try {
            run.awaitHeld("locked-rows", "stay locked by others", "prepared " + gid + " for ");
        } finally {
            run.execute("COMMIT PREPARED '" + gid + "'");
        }
        run.assertDone();
        Faults.made(Faults.Kind.LOCKS);
    }

    @Order(1)
    @Test
    void whoever_alters_the_table_disturbs_no_batch() throws Exception {
        runs.await("queued-alter-table");
    }

    private static void alter(FaultyRun run) throws Exception {
        for (int i = 0; i < 3; i++) {
            run.execute("ALTER TABLE {}.t ADD COLUMN more" + i + " int NOT NULL DEFAULT 7");
        }
        run.assertDone();
        Faults.made(Faults.Kind.LOCKS);
    }

    @Order(1)
    @Test
    void a_reader_is_named_too_when_the_table_cannot_be_altered_because_of_it() throws Exception {
        runs.await("alter-table-behind-a-reader");
    }

    private static void alterBehindAReader(FaultyRun run) throws Exception {
        try (Connection reader = run.open("SET application_name = 'reader'", "SELECT FROM {}.t LIMIT 1");
                Connection other = run.open("SET application_name = 'altering'")) {
            int holder = reader.unwrap(PGConnection.class).getBackendPID();
            int waiting = other.unwrap(PGConnection.class).getBackendPID();
            CompletableFuture<Void> altered = CompletableFuture.runAsync(() -> alter(run, other));
            run.awaitHeld(
                    "lock-storm",
                    "DDL waits for the table",
                    "pid " + waiting + " (altering) wants AccessExclusiveLock and waits for pid " + holder
                            + " (reader)");
            run.assertStandsFor(LONG);
            assertThat(altered).isNotDone();
            reader.rollback();
            altered.join();
        }
        run.assertDone();
        Faults.made(Faults.Kind.LOCKS);
    }

    private static void alter(FaultyRun run, Connection connection) {
        try {
            connection.createStatement().execute(run.filled("ALTER TABLE {}.t ADD COLUMN more int NOT NULL DEFAULT 7"));
            connection.commit();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Order(2)
    @Test
    void others_have_waited_for_a_batch_and_not_for_long() {
        assertThat(runs.longestWait()).isPositive().isLessThan(1.0);
    }
}
