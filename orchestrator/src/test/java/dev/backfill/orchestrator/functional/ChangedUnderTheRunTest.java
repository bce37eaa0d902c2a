package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Others delete rows of the range during the run, and give some another key in it. Whoever stays is worked once; whoever
 * moves ahead may be worked twice; whoever moves back behind the run is found by the check.
 */
class ChangedUnderTheRunTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 4000;
    private static final String JOB = """
            version: 1
            job: count
            table: c
            range: { by: id }
            batch: { size: 100, min: 100, max: 100 }
            """;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, fate text NOT NULL DEFAULT 'stayed')",
                "INSERT INTO c SELECT g * 10 FROM generate_series(1, " + ROWS + ") AS g",
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'",
                "CREATE TRIGGER slow BEFORE UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()");
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_statement_that_is_not_repeated_says_which_rows_it_has_missed() throws Exception {
        String said = run("sql: UPDATE c SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }", 1);

        assertThat(said).contains("10 rows still meet `remaining`, the first at 5, 15, 25, 35, 45");
        assertThat(database.queryStrings(
                        "SELECT fate || ' ' || n || ' ' || count(*) FROM c GROUP BY fate, n ORDER BY 1"))
                .containsExactly("ahead after 1 5", "ahead before 2 5", "back 0 10", "stayed 1 3958");
        assertThat(database.queryStrings("SELECT state || ' ' || rows_remaining FROM backfill.run"))
                .containsExactly("FAILED 10");
    }

    @Test
    void an_update_goes_over_them_in_a_further_pass() throws Exception {
        String said = run("update: { set: { n: n + 1 }, where: n = 0 }", 0);

        assertThat(said).contains("proof: 0 rows left to do in the whole range");
        assertThat(database.queryStrings(
                        "SELECT fate || ' ' || n || ' ' || count(*) FROM c GROUP BY fate, n ORDER BY 1"))
                .containsExactly("ahead after 1 5", "ahead before 1 5", "back 1 10", "stayed 1 3958");
        assertThat(database.queryStrings("SELECT state || ' ' || pass FROM backfill.run"))
                .containsExactly("SUCCEEDED 2");
    }

    /** The run has begun with the smallest keys, and is far from the largest. */
    private String run(String work, int exitCode) throws Exception {
        Path job = CountedTable.write(directory, JOB + work + "\n");
        try (BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> worked() > 300);
            database.execute(
                    "UPDATE c SET id = id + 35005, fate = 'ahead before' WHERE id BETWEEN 10 AND 50",
                    "UPDATE c SET id = id + 16005, fate = 'ahead after' WHERE id BETWEEN 20010 AND 20050",
                    "UPDATE c SET id = id - 39905, fate = 'back' WHERE id > 39900",
                    "DELETE FROM c WHERE id BETWEEN 20100 AND 20200 OR id BETWEEN 100 AND 200");
            assertThat(worked()).as("early enough").isLessThan(1900);
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(exitCode);
            return process.output() + process.errors();
        }
    }

    private long worked() throws Exception {
        return database.queryLong("SELECT count(*) FROM c WHERE n > 0");
    }
}
