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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A range column that is NULL in every row, and rows to which others give a value of it during the run, or take it away,
 * and such as others move along it, up and down. The NULLs come last either way.
 */
class MovedNullsTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 3_000;
    private static final String SQL = "sql: UPDATE c SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }";
    private static final String UPDATE = "update: { set: { n: n + 1 }, where: n = 0 }";
    private static final String FATES =
            "SELECT concat_ws(' ', fate, n, count(*)) FROM c GROUP BY fate, n ORDER BY fate, n";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, k int, n int NOT NULL DEFAULT 0, fate text NOT NULL DEFAULT 'stayed')",
                "INSERT INTO c SELECT g FROM generate_series(1, " + ROWS + ") AS g",
                "CREATE INDEX ON c (k)",
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_sleep(0.08); RETURN NULL; END'");
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"asc", "desc"})
    void a_table_of_nothing_but_nulls_is_worked_in_batches(String order) throws Exception {
        CommandResult result = CommandResult.of(
                "run", job(order, SQL + "\nparallelism: 3").toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryStrings(FATES)).containsExactly("stayed 1 " + ROWS);
        assertThat(database.queryStrings(
                        "SELECT concat_ws(' ', sum(rows_scanned), sum(rows_changed)) FROM backfill.slice"))
                .containsExactly(ROWS + " " + ROWS);
        assertThat(database.queryLong("SELECT sum(batches) FROM backfill.slice"))
                .isGreaterThanOrEqualTo(ROWS / 100);
    }

    /**
     * Two thousand rows have a value. While the run is among the first of these: NULLs get a value that is ahead of the run,
     * or one that is behind it; rows with a value lose it, before and after they were worked; and some move from behind the
     * run to before it, and the other way round.
     */
    @ParameterizedTest
    @CsvSource({"asc, false", "desc, false", "desc, true"})
    void whoever_stays_is_worked_once_and_whoever_moves_back_is_found_by_the_check(String order, boolean repeated)
            throws Exception {
        database.execute(
                "UPDATE c SET k = id WHERE id <= 2000",
                "CREATE TRIGGER slow BEFORE UPDATE OF n ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()",
                "VACUUM ANALYZE c");
        boolean up = order.equals("asc");
        String said;
        try (BackfillProcess process = BackfillProcess.start(
                "run", job(order, repeated ? UPDATE : SQL).toString(), "--database", database.jdbcUrl())) {
            await().dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> worked() >= 300);
            // A statement each, as long as the run is between the third and the tenth hundred of rows in its order.
            String behind = up ? "id BETWEEN 1 AND 5" : "id BETWEEN 1996 AND 2000";
            String ahead = up ? "id BETWEEN 1801 AND 1805" : "id BETWEEN 196 AND 200";
            String more = up ? "id BETWEEN 1811 AND 1820" : "id BETWEEN 181 AND 190";
            database.execute(
                    "UPDATE c SET fate = 'lost it, done', k = NULL WHERE " + behind,
                    "UPDATE c SET fate = 'lost it, not done', k = NULL WHERE " + ahead,
                    "UPDATE c SET fate = 'got it, ahead', k = " + (up ? 1900 : 100) + " WHERE id BETWEEN 2901 AND 2907",
                    "UPDATE c SET fate = 'got it, behind', k = " + (up ? 10 : 1990) + " WHERE id BETWEEN 2911 AND 2918",
                    "UPDATE c SET fate = 'moved back', k = " + (up ? 20 : 1980) + " WHERE " + more);
            assertThat(worked()).as("early enough").isLessThan(1_500);
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(repeated ? 0 : 1);
            said = process.output() + process.errors();
        }

        String missed = repeated ? " 1 " : " 0 ";
        assertThat(database.queryStrings(FATES))
                .containsExactly(
                        "got it, ahead 1 7",
                        "got it, behind" + missed + "8",
                        "lost it, done " + (repeated ? "1" : "2") + " 5",
                        "lost it, not done 1 5",
                        "moved back" + missed + "10",
                        "stayed 1 2965");
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"))
                .containsExactly(repeated ? "SUCCEEDED 2 0" : "FAILED 1 18");
        assertThat(said).contains(repeated ? "proof: 0 rows left" : "18 rows still meet `remaining`");
    }

    private Path job(String order, String work) throws Exception {
        return CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id, column: k, order: %s }
                batch: { size: 100, min: 100, max: 100 }
                %s
                """.formatted(order, work));
    }

    private long worked() throws Exception {
        return database.queryLong("SELECT count(*) FROM c WHERE n > 0");
    }
}
