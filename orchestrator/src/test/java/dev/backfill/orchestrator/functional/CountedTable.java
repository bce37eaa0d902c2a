package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

/**
 * A table {@code c} whose rows count how often they were changed, and jobs that add one to each: what is done twice or
 * not at all shows.
 *
 * @param database where it is
 * @param rows how many rows it has
 */
record CountedTable(TestDatabase database, int rows) {

    /** A job by the primary key. */
    static final String BY_KEY = "{ by: id }";

    /** A job by a column with NULLs and with a thousand equal values, that has an index by itself. */
    static final String BY_TIME = "{ by: time, column: at }";

    /** Creates the table. Its keys have gaps; its times are in another order than its keys. */
    static CountedTable create(TestDatabase database, int rows) throws SQLException {
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0)",
                """
                INSERT INTO c SELECT i * 7, CASE WHEN i %% 10 = 0 THEN NULL WHEN i BETWEEN 1000 AND 2100
                    THEN '2026-01-02' ELSE timestamptz '2026-01-01' + (i * 7919 %% 5000) * interval '1 min' END
                FROM generate_series(1, %d) AS i
                """.formatted(rows),
                "CREATE INDEX ON c (at)",
                "VACUUM ANALYZE c");
        return new CountedTable(database, rows);
    }

    /** Writes a job that may not be repeated, in batches of at most a hundred keys. */
    static Path job(Path directory, String range, String... more) throws IOException {
        return write(directory, """
                version: 1
                job: count
                table: c
                range: %s
                sql: "UPDATE c SET n = n + 1 WHERE :range"
                verify: { remaining: n = 0 }
                %s
                """.formatted(range, String.join("\n", more)));
    }

    /** Writes a job file. */
    static Path write(Path directory, String yaml) throws IOException {
        return Files.writeString(directory.resolve("job.yaml"), yaml);
    }

    /** The run has succeeded, and every row was changed exactly once, by the rows' own and by the slices' account. */
    void assertEachRowWasChangedOnce() throws SQLException {
        assertThat(database.queryStrings("SELECT n || ' times: ' || count(*) FROM c GROUP BY n ORDER BY n"))
                .containsExactly("1 times: " + rows);
        assertThat(database.queryStrings("SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                .containsExactly(rows + " " + rows);
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, rows_remaining) FROM backfill.run"))
                .containsExactly("SUCCEEDED 0");
    }

    /** There was something to go wrong. */
    void assertManySlicesAndBatches() throws SQLException {
        assertThat(database.queryLong("SELECT count(*) FROM backfill.slice")).isGreaterThanOrEqualTo(3);
        assertThat(database.queryLong("SELECT sum(batches) FROM backfill.slice"))
                .isGreaterThanOrEqualTo(20);
    }
}
