package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

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

/** Keys that lie so close together that most of them are in one slice, and no statistics that say so. */
class SkewedKeysTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int ROWS = 20_000;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void stop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "1000000; bigint; -1; " + CountedTable.BY_KEY,
                "500000000; bigint; -1; " + CountedTable.BY_KEY,
                "999000000; bigint; -1; " + CountedTable.BY_KEY,
                "500000000; timestamptz; -infinity; " + CountedTable.BY_TIME
            })
    void a_slice_is_cut_under_its_worker_and_no_row_is_changed_twice(
            String start, String type, String least, String range) throws Exception {
        CountedTable table = create(start);
        Path job = CountedTable.job(directory, range, "parallelism: 4", "batch: { size: 50, min: 20, max: 50 }");

        try (BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }

        table.assertEachRowWasChangedOnce();
        table.assertManySlicesAndBatches();
        assertThat(database.queryLong("""
                        SELECT count(*) FROM backfill.slice late WHERE EXISTS (
                            SELECT FROM backfill.slice early WHERE early.number < late.number
                              AND (early."from"->>0)::%1$s > (late."from"->>0)::%1$s)
                        """.formatted(type)))
                .as("slices that were cut from others")
                .isPositive();
        assertThat(database.queryLong("""
                        SELECT count(*) FROM backfill.slice a JOIN backfill.slice b ON a.number <> b.number
                          AND coalesce(a."from"->>0, '%2$s')::%1$s < (b."to"->>0)::%1$s
                          AND coalesce(b."from"->>0, '%2$s')::%1$s < (a."to"->>0)::%1$s
                        """.formatted(type, least)))
                .as("slices that overlap")
                .isZero();
        assertThat(database.queryLong("SELECT max(rows_scanned) FROM backfill.slice"))
                .as("rows of the largest slice")
                .isLessThan(ROWS * 3 / 4);
    }

    /** Nine tenths of the rows have keys that follow each other; autovacuum never looks at them. */
    private CountedTable create(String start) throws Exception {
        database.execute(
                """
                CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, at timestamptz)
                WITH (autovacuum_enabled = off)
                """,
                """
                INSERT INTO c SELECT CASE WHEN i %% 10 = 0 THEN i * 50000 ELSE %s + i END
                FROM generate_series(1, %d) AS i
                """.formatted(start, ROWS),
                """
                UPDATE c SET at = to_timestamp(CASE WHEN id BETWEEN %1$s + 5000 AND %1$s + 5200 THEN %1$s + 5000 ELSE id END)
                WHERE id %% 100 <> 7
                """.formatted(start),
                "CREATE INDEX ON c (at)",
                """
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$
                """,
                "CREATE TRIGGER slow AFTER UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()");
        return new CountedTable(database, ROWS);
    }
}
