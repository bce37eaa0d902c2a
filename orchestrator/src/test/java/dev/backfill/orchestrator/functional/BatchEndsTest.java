package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A job's own statement may name the ends of its batch: {@code :from} and {@code :to}. */
class BatchEndsTest {

    private static final int ROWS = 3_000;

    @TempDir
    private Path directory;

    /** Each batch begins behind the last key of another, but the first; together they are all. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "bigint; g; by: id",
                "bigint; g; by: id, order: desc",
                "bigint; g; by: id, from: 1, to: 3001",
                "text; 'k' || g; by: id",
                "timestamptz; '2026-01-01'::timestamptz + g * interval '1 min'; by: time"
            })
    void they_are_those_of_the_rows_that_it_works(String type, String key, String range) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE c (k %s PRIMARY KEY, n int NOT NULL DEFAULT 0)".formatted(type),
                    "INSERT INTO c SELECT %s FROM generate_series(1, %d) AS g".formatted(key, ROWS),
                    "CREATE TABLE batch (f %1$s, t %1$s)".formatted(type),
                    "VACUUM ANALYZE c");
            Path job = CountedTable.write(directory, """
                    version: 1
                    job: count
                    table: c
                    range: { %s }
                    sql: |
                      WITH kept AS (INSERT INTO batch SELECT :from, :to)
                      UPDATE c SET n = n + 1 WHERE :range
                    verify: { remaining: n = 0 }
                    parallelism: 3
                    batch: { size: 100, min: 100, max: 100 }
                    """.formatted(range));

            CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

            assertThat(result.exit()).as(result.text()).isZero();
            assertThat(database.queryLong("SELECT count(*) FROM batch")).isGreaterThanOrEqualTo(ROWS / 100);
            assertThat(database.queryStrings("SELECT t FROM batch WHERE f IS NULL"))
                    .as("the first")
                    .hasSize(1);
            String inside =
                    range.contains("desc") ? "(f IS NULL OR k < f) AND k >= t" : "(f IS NULL OR k > f) AND k <= t";
            assertThat(database.queryLong("SELECT count(*) FROM c JOIN batch ON " + inside))
                    .as("rows, each in one batch")
                    .isEqualTo(ROWS);
            assertThat(database.queryLong("SELECT count(*) FROM batch a WHERE f IS NOT NULL"
                            + " AND NOT EXISTS (SELECT FROM batch b WHERE b.t = a.f)"))
                    .as("batches that begin where none ends")
                    .isZero();
        }
    }
}
