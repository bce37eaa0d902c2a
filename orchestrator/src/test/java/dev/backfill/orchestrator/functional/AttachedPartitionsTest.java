package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Partitions whose rows are still to do are attached in the middle of a run, and the one that it works is detached. Rows
 * ahead of it are worked like any others; those behind it are found by the check.
 */
class AttachedPartitionsTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String SQL = "sql: UPDATE c SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }";
    private static final String UPDATE = "update: { set: { n: n + 1 }, where: n = 0 }";
    private static final String COUNTS =
            "SELECT concat_ws(' ', part, n, count(*)) FROM c GROUP BY part, n ORDER BY part, n";

    @TempDir
    private Path directory;

    private TestDatabase database;

    /** Partitions from 2000 to 3000 and from 4000 on, and two apart that belong before the one and the other. */
    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, part text NOT NULL, n int NOT NULL DEFAULT 0)"
                        + " PARTITION BY RANGE (id)",
                "CREATE TABLE c2 PARTITION OF c FOR VALUES FROM (2000) TO (3000)",
                "CREATE TABLE c4 PARTITION OF c FOR VALUES FROM (4000) TO (5000)",
                "CREATE TABLE c1 (LIKE c INCLUDING ALL)",
                "CREATE TABLE c3 (LIKE c INCLUDING ALL)",
                "INSERT INTO c SELECT g, 'from the start' FROM generate_series(2000, 2999) AS g",
                "INSERT INTO c SELECT g, 'from the start' FROM generate_series(4000, 4999) AS g",
                "INSERT INTO c1 SELECT g, 'behind' FROM generate_series(1001, 1300) AS g",
                "INSERT INTO c3 SELECT g, 'ahead' FROM generate_series(3001, 3300) AS g",
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'",
                "CREATE TRIGGER slow BEFORE UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()",
                "VACUUM ANALYZE c");
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void rows_ahead_of_the_run_are_each_worked_once() throws Exception {
        run(SQL, 0, "c3 FOR VALUES FROM (3000) TO (4000)");

        assertThat(database.queryStrings(COUNTS)).containsExactly("ahead 1 300", "from the start 1 2000");
        assertThat(database.queryStrings("SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                .containsExactly("2300 2300");
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly("SUCCEEDED 1 0");
    }

    @Test
    void rows_behind_the_run_are_missed_by_a_statement_that_is_not_repeated_and_named() throws Exception {
        String said = run(SQL, 1, "c1 FOR VALUES FROM (1000) TO (2000)", "c3 FOR VALUES FROM (3000) TO (4000)");

        assertThat(said).contains("300 rows still meet `remaining`, the first at 1001, 1002, 1003, 1004, 1005");
        assertThat(database.queryStrings(COUNTS))
                .containsExactly("ahead 1 300", "behind 0 300", "from the start 1 2000");
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly("FAILED 1 300");
    }

    @Test
    void rows_behind_the_run_are_worked_by_an_update_in_a_further_pass() throws Exception {
        String said = run(UPDATE, 0, "c1 FOR VALUES FROM (1000) TO (2000)", "c3 FOR VALUES FROM (3000) TO (4000)");

        assertThat(said).contains("proof: 0 rows left to do in the whole range");
        assertThat(database.queryStrings(COUNTS))
                .containsExactly("ahead 1 300", "behind 1 300", "from the start 1 2000");
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly("SUCCEEDED 2 0");
    }

    /** What is gone from the table is gone from the run: it has the rows that were changed, and no others. */
    @ParameterizedTest
    @ValueSource(strings = {"c2", "c2 CONCURRENTLY"})
    void the_partition_that_is_being_worked_is_left_as_it_is_from_then_on(String partition) throws Exception {
        alter(SQL, 0, "DETACH PARTITION " + partition);

        assertThat(database.queryStrings(COUNTS)).containsExactly("from the start 1 1000");
        assertThat(database.queryLong("SELECT count(*) FROM c2 WHERE n = 1")).isBetween(100L, 999L);
        assertThat(database.queryStrings("SELECT DISTINCT n FROM c2 ORDER BY n"))
                .as("how often rows were changed that are gone")
                .containsExactly("0", "1");
        assertThat(database.queryLong(
                        "SELECT count(*) FROM c2 WHERE n = 0 AND id < (SELECT max(id) FROM c2 WHERE n = 1)"))
                .as("left between those that were changed")
                .isZero();
        assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                .isEqualTo(1000 + database.queryLong("SELECT count(*) FROM c2 WHERE n = 1"));
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly("SUCCEEDED 1 0");
    }

    /** Its keys lie everywhere among those of the others. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void one_of_a_list_is_worked_where_the_run_has_not_been_yet_and_elsewhere_if_it_may_be_repeated(boolean repeated)
            throws Exception {
        database.execute(
                "DROP TABLE c, c1, c3",
                "CREATE TABLE c (id int, part text, n int NOT NULL DEFAULT 0, PRIMARY KEY (id, part))"
                        + " PARTITION BY LIST (part)",
                "CREATE TABLE c2 PARTITION OF c FOR VALUES IN ('from the start', 'as well')",
                "INSERT INTO c SELECT g, 'from the start' FROM generate_series(2000, 4999, 2) AS g",
                "CREATE TABLE c1 (LIKE c INCLUDING ALL)",
                "INSERT INTO c1 SELECT g, 'attached' FROM generate_series(2001, 4999, 10) AS g",
                "CREATE TRIGGER slow BEFORE UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()",
                "VACUUM ANALYZE c");

        String said = repeated
                ? alter(UPDATE, 0, "ATTACH PARTITION c1 FOR VALUES IN ('attached')")
                : alter(SQL, 1, "ATTACH PARTITION c1 FOR VALUES IN ('attached')");

        long left = database.queryLong("SELECT count(*) FROM c WHERE n = 0");
        assertThat(database.queryStrings("SELECT DISTINCT n FROM c WHERE n > 0"))
                .containsExactly("1");
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isEqualTo(1800 - left);
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly(repeated ? "SUCCEEDED 2 0" : "FAILED 1 " + left);
        if (!repeated) {
            assertThat(left).as("behind the run").isBetween(10L, 100L);
            assertThat(said).contains(left + " rows still meet `remaining`, the first at [2001, attached]");
        }
    }

    /** Attaches them while the run is in the first partition. */
    private String run(String work, int exitCode, String... partitions) throws Exception {
        return alter(
                work,
                exitCode,
                Arrays.stream(partitions).map(p -> "ATTACH PARTITION " + p).toArray(String[]::new));
    }

    private String alter(String work, int exitCode, String... changes) throws Exception {
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id }
                batch: { size: 50, min: 50, max: 50 }
                %s
                """.formatted(work));
        try (BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> last() > 2100);
            for (String change : changes) {
                database.execute("ALTER TABLE c " + change);
            }
            assertThat(last()).as("early enough").isLessThan(2800);
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(exitCode);
            return process.output() + process.errors();
        }
    }

    /** The largest key that was worked so far. */
    private long last() throws Exception {
        return database.queryLong("SELECT coalesce(max(id), 0) FROM c WHERE n > 0");
    }
}
