package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * A table whose rows count how often they were changed, and a job of the same name that adds one to each, in batches of
 * twenty rows that last as long as the test wants.
 *
 * @param database where it is
 * @param name its name and that of its job
 * @param rows how many rows it has
 */
record PacedTable(TestDatabase database, String name, int rows) {

    static final int BATCH = 20;

    /** Creates the table; each batch lasts so long. */
    static PacedTable create(TestDatabase database, String name, int rows, Duration batch) throws SQLException {
        database.execute(
                "CREATE TABLE \"%s\" (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, began timestamptz)"
                        .formatted(name),
                "INSERT INTO \"%s\" SELECT i FROM generate_series(1, %d) AS i".formatted(name, rows),
                "VACUUM ANALYZE \"" + name + "\"",
                "CREATE TABLE IF NOT EXISTS pace (job text PRIMARY KEY, seconds float NOT NULL)",
                "INSERT INTO pace VALUES ('%s', 0)".formatted(name));
        PacedTable table = new PacedTable(database, name, rows);
        table.batchesLast(batch);
        return table;
    }

    /** From now on each batch lasts so long. */
    void batchesLast(Duration batch) throws SQLException {
        database.execute("UPDATE pace SET seconds = %d / 1000.0 WHERE job = '%s'".formatted(batch.toMillis(), name));
    }

    /** The job, with more lines; nothing guards it, so what is done twice shows. */
    String job(String... more) {
        return jobLeaving("n = 0", more);
    }

    /** The same with another condition for the rows that are still to do. */
    String jobLeaving(String remaining, String... more) {
        return """
                version: 1
                job: %1$s
                table: '"%1$s"'
                range: { by: id }
                sql: |
                  UPDATE "%1$s" SET n = n + 1, began = now()
                  WHERE :range AND (SELECT pg_sleep(seconds) FROM pace WHERE job = '%1$s') IS NOT NULL
                verify: { remaining: "%2$s" }
                batch: { size: %3$d, min: %3$d, max: %3$d }
                %4$s
                """.formatted(name, remaining, BATCH, String.join("\n", more));
    }

    /** How many batches were committed, of all runs. */
    long batches() throws SQLException {
        return database.queryLong(
                "SELECT coalesce(sum(batches), 0) FROM backfill.slice JOIN backfill.run r ON r.id = run"
                        + " WHERE job = '" + name + "'");
    }

    /** When the latest batch that was committed began, by the database's clock. */
    Instant latestBegin() throws SQLException {
        return instant("(SELECT max(began) FROM \"" + name + "\")");
    }

    /** The database's clock. */
    Instant now() throws SQLException {
        return instant("clock_timestamp()");
    }

    /** How often the rows were changed, such as {@code 1 x 100}. */
    List<String> changes() throws SQLException {
        return database.queryStrings("SELECT n || ' x ' || count(*) FROM \"" + name + "\" GROUP BY n ORDER BY n");
    }

    void assertEachRowWasChangedOnce() throws SQLException {
        assertThat(changes()).containsExactly("1 x " + rows);
    }

    private Instant instant(String expression) throws SQLException {
        long micros = database.queryLong("SELECT (extract(epoch FROM %s) * 1000000)::bigint".formatted(expression));
        return Instant.EPOCH.plus(micros, java.time.temporal.ChronoUnit.MICROS);
    }
}
