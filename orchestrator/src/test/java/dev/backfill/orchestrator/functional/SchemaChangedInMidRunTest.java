package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.functional.FaultyRuns.Fault;
import dev.backfill.orchestrator.functional.FaultyRuns.FaultyRun;
import dev.backfill.orchestrator.testing.Faults;
import java.nio.file.Path;
import java.util.List;
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

/**
 * The table of a run is changed in mid-run. What its statement cannot do any more pauses it, in words; resumed as it is, it
 * says so again; and once that is mended it goes on where it was. What does not matter to it does not disturb it.
 */
@Tag("fault")
@TestMethodOrder(OrderAnnotation.class)
class SchemaChangedInMidRunTest {

    /**
     * A change that stops a run.
     *
     * @param job the run's
     * @param change what is done to the table, all at once
     * @param said of it when a batch meets it
     * @param mended how it is taken back
     * @param saidAgain when the run is resumed before that
     */
    record Change(String job, String change, String said, String mended, String saidAgain) {
        /** The error that a batch meets, and the application may; empty when there is none. */
        String sqlState() {
            int at = said.indexOf(SQLSTATE);
            return at < 0 ? "" : said.substring(at + SQLSTATE.length(), said.indexOf(')', at));
        }

        @Override
        public String toString() {
            return job;
        }
    }

    private static final String SQLSTATE = "(SQLSTATE ";

    private static final String REFUSING = """
            CREATE FUNCTION {}.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END';
            CREATE TRIGGER refuse BEFORE UPDATE OF counter ON {}.t FOR EACH ROW EXECUTE FUNCTION {}.refuse()
            """;

    private static final String ANOTHER = """
            ALTER TABLE {}.t RENAME TO first;
            CREATE TABLE {}.t (LIKE {}.first INCLUDING ALL);
            INSERT INTO {}.t SELECT * FROM {}.first;
            GRANT SELECT, UPDATE ON {}.t TO {role}
            """;

    private static final String OTHER_KEY = """
            ALTER TABLE {}.t DROP CONSTRAINT t_pkey, ADD UNIQUE (id), ADD COLUMN no bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
            ALTER TABLE {}.t ADD PRIMARY KEY (no)
            """;

    private static final List<Change> STOPPING = List.of(
            new Change(
                    "table-renamed",
                    "ALTER TABLE {}.t RENAME TO away",
                    "relation \"{}.t\" does not exist (SQLSTATE 42P01); mend that, then resume",
                    "ALTER TABLE {}.away RENAME TO t",
                    "no table \"{}\".\"t\""),
            new Change(
                    "schema-renamed",
                    "ALTER SCHEMA {} RENAME TO {}_away",
                    "does not exist (SQLSTATE 42P01); mend that, then resume",
                    "ALTER SCHEMA {}_away RENAME TO {}",
                    "no table \"{}\".\"t\""),
            new Change(
                    "column-dropped",
                    "ALTER TABLE {}.t DROP COLUMN other",
                    "column \"other\" does not exist (SQLSTATE 42703); mend that, then resume",
                    "ALTER TABLE {}.t ADD COLUMN other int NOT NULL DEFAULT 0",
                    "column \"other\" does not exist (SQLSTATE 42703)"),
            new Change(
                    "key-renamed",
                    "ALTER TABLE {}.t RENAME COLUMN id TO key",
                    "column \"id\" does not exist (SQLSTATE 42703)",
                    "ALTER TABLE {}.t RENAME COLUMN key TO id",
                    "began by the key (\"id\" bigint) of \"{}\".\"t\", which now is (\"key\" bigint)"),
            new Change(
                    "key-of-text",
                    "ALTER TABLE {}.t ALTER COLUMN id TYPE text",
                    "operator does not exist: text > bigint (SQLSTATE 42883)",
                    "ALTER TABLE {}.t ALTER COLUMN id TYPE bigint USING id::bigint",
                    "began by the key (\"id\" bigint) of \"{}\".\"t\", which now is (\"id\" text)"),
            new Change(
                    "usage-revoked",
                    "REVOKE USAGE ON SCHEMA {} FROM {role}",
                    "permission denied for schema {} (SQLSTATE 42501); mend that, then resume",
                    "GRANT USAGE ON SCHEMA {} TO {role}",
                    "GRANT USAGE ON SCHEMA \"{}\" TO {role}"),
            new Change(
                    "select-revoked",
                    "REVOKE SELECT ON {}.t FROM {role}",
                    "permission denied for table t (SQLSTATE 42501); mend that, then resume",
                    "GRANT SELECT ON {}.t TO {role}",
                    "GRANT SELECT ON \"{}\".\"t\" TO {role}"),
            new Change(
                    "update-revoked",
                    "REVOKE UPDATE ON {}.t FROM {role}",
                    "permission denied for table t (SQLSTATE 42501); mend that, then resume",
                    "GRANT UPDATE ON {}.t TO {role}",
                    "the job runs as {role}: GRANT it what the statement needs"),
            new Change(
                    "row-security",
                    "ALTER TABLE {}.t ENABLE ROW LEVEL SECURITY",
                    "query would be affected by row-level security policy for table \"t\" (SQLSTATE 42501)",
                    "ALTER TABLE {}.t DISABLE ROW LEVEL SECURITY",
                    "would be left out; ALTER ROLE {role} BYPASSRLS"),
            new Change(
                    "trigger-raises",
                    REFUSING,
                    "not today (SQLSTATE P0001); mend that, then resume",
                    "DROP TRIGGER refuse ON {}.t",
                    "not today (SQLSTATE P0001); mend that, then resume"),
            new Change(
                    "table-made-anew",
                    ANOTHER,
                    "\"{}\".\"t\" is another table, of the oid ",
                    "DROP TABLE {}.t; ALTER TABLE {}.first RENAME TO t",
                    "\"{}\".\"t\" is another table, of the oid "));

    private static FaultyRuns runs;

    @BeforeAll
    static void begin(@TempDir Path directory) throws Exception {
        runs = FaultyRuns.start(directory);
        STOPPING.forEach(change -> begin(change.job(), run -> meet(run, change)));
        begin("table-dropped", SchemaChangedInMidRunTest::drop);
        begin("other-primary-key", SchemaChangedInMidRunTest::changePrimaryKey);
        begin("restored", SchemaChangedInMidRunTest::restore);
        runs.begin("key-of-numeric", "throttle: { lock-storm: off }", run -> {
            widenKey(run);
            Faults.made(Faults.Kind.LOCKS);
        });
        begin("target-of-bigint", SchemaChangedInMidRunTest::widenTarget);
        begin("key-not-unique", SchemaChangedInMidRunTest::dropUniqueness);
    }

    private static void begin(String job, Fault fault) {
        runs.begin(job, run -> {
            fault.meet(run);
            Faults.made(Faults.Kind.LOCKS);
        });
    }

    @AfterAll
    static void end() throws Exception {
        runs.close();
    }

    @Order(1)
    @ParameterizedTest
    @FieldSource("STOPPING")
    void what_the_statement_cannot_do_any_more_pauses_the_run_until_it_is_mended(Change change) throws Exception {
        runs.await(change.job());
    }

    private static void meet(FaultyRun run, Change change) throws Exception {
        run.oracle().mayMeet(change.sqlState());
        run.execute(change.change());
        run.awaitPaused(change.said());
        run.resumeInVain(change.saidAgain());
        run.execute(change.mended());
        run.resume();
        run.assertDone();
    }

    @Order(1)
    @Test
    void a_table_that_is_dropped_pauses_the_run_and_one_of_the_same_name_is_not_taken_for_it() throws Exception {
        runs.await("table-dropped");
    }

    private static void drop(FaultyRun run) throws Exception {
        run.oracle().mayMeet("42P01");
        run.execute("CREATE TABLE {}.copy AS TABLE {}.t", "DROP TABLE {}.t");
        run.awaitPaused("relation \"{}.t\" does not exist (SQLSTATE 42P01); mend that, then resume");
        run.resumeInVain("no table \"{}\".\"t\"");
        run.execute(
                "ALTER TABLE {}.copy RENAME TO t",
                "ALTER TABLE {}.t ADD PRIMARY KEY (id)",
                "GRANT SELECT, UPDATE ON {}.t TO {role}");
        long batches = run.batches();
        run.resumeInVain("\"{}\".\"t\" is another table, of the oid ", "cancel the run and start a new one");
        assertThat(run.batches()).isEqualTo(batches);
        assertThat(runs.daemon().say("cancel", run.name()).path("state").asString())
                .isEqualTo("CANCELLED");
    }

    @Order(1)
    @Test
    void another_primary_key_is_no_order_to_go_on_in() throws Exception {
        runs.await("other-primary-key");
    }

    private static void changePrimaryKey(FaultyRun run) throws Exception {
        runs.daemon().say("pause", run.name());
        run.awaitLeft(); // whoever is at it still, goes on by what it knows, which is as good
        run.execute(OTHER_KEY);
        run.resumeInVain("began by the key (\"id\" bigint) of \"{}\".\"t\", which now is (\"no\" bigint)");
        run.execute("ALTER TABLE {}.t DROP COLUMN no, ADD PRIMARY KEY (id)");
        run.resume();
        run.assertDone();
    }

    @Order(1)
    @Test
    void the_same_rows_in_another_table_are_gone_on_with_when_somebody_says_that_they_are() throws Exception {
        runs.await("restored");
    }

    private static void restore(FaultyRun run) throws Exception {
        runs.daemon().say("pause", run.name());
        Sessions.awaitNone(runs.database(), run.name());
        run.execute(ANOTHER + "; CREATE TRIGGER audit AFTER UPDATE ON {}.t FOR EACH ROW"
                + " WHEN (OLD.counter IS DISTINCT FROM NEW.counter) EXECUTE FUNCTION {}.audit()");
        run.resumeInVain("is another table");
        String reason = run.reason();
        run.execute(reason.substring(reason.lastIndexOf("UPDATE backfill.run")));
        run.resume();
        run.assertDone();
    }

    /** A function that a session has planned for the old type fails there; no hold closes the sessions before. */
    private static void widenKey(FaultyRun run) throws Exception {
        run.awaitBatches(20);
        run.execute("ALTER TABLE {}.t ALTER COLUMN id TYPE numeric");
        run.awaitPaused("type of parameter", "does not match that when preparing the plan (bigint) (SQLSTATE 42804)");
        run.resume();
        run.assertDone();
    }

    @Order(1)
    @Test
    void a_key_of_a_wider_type_is_gone_on_by() throws Exception {
        runs.await("key-of-numeric");
    }

    private static void widenTarget(FaultyRun run) throws Exception {
        run.execute("""
                DROP TRIGGER audit ON {}.t;
                ALTER TABLE {}.t ALTER COLUMN counter TYPE bigint;
                CREATE TRIGGER audit AFTER UPDATE ON {}.t FOR EACH ROW
                    WHEN (OLD.counter IS DISTINCT FROM NEW.counter) EXECUTE FUNCTION {}.audit()
                """);
        run.awaitBatches(2);
        run.assertDone();
    }

    @Order(1)
    @Test
    void a_wider_type_of_the_changed_column_does_not_disturb_it() throws Exception {
        runs.await("target-of-bigint");
    }

    /** Without its index each batch reads the whole table. */
    private static void dropUniqueness(FaultyRun run) throws Exception {
        run.execute("ALTER TABLE {}.t DROP CONSTRAINT t_pkey");
        run.execute("INSERT INTO {}.t SELECT * FROM {}.t WHERE counter = 0 AND id > {last} - 100");
        run.awaitBatches(2);
        run.awaitSucceeded();
        String twins = "SELECT count(*) FROM (SELECT id FROM {}.t WHERE NOT late GROUP BY id HAVING count(*) = 2) AS t";
        assertThat(run.queryLong(twins)).isPositive();
        assertThat(run.queryLong("SELECT count(*) FROM {}.t WHERE NOT late AND id <= {last} AND counter <> 1"))
                .isZero();
        assertThat(run.queryLong("SELECT sum(rows_changed) - (SELECT count(*) FROM {}.audit) FROM backfill.slice s"
                        + " JOIN backfill.run r ON r.id = s.run WHERE r.job = '" + run.name() + "'"))
                .isZero();
    }

    @Order(1)
    @Test
    void a_key_that_is_no_longer_unique_is_gone_by_to_the_end() throws Exception {
        runs.await("key-not-unique");
    }

    @Order(2)
    @Test
    void nobody_has_waited_for_a_lock_of_the_runs_for_long() {
        assertThat(runs.longestWait()).isLessThan(1.0);
    }
}
