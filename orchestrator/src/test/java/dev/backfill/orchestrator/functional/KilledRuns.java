package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.awaitility.core.ConditionTimeoutException;

/**
 * Runs over many tables at once in one daemon, which is killed in mid-run, and started again under another session time
 * zone. Each table has a twin, which one plain UPDATE has changed. The daemon's role owns none of them: it has the rights
 * that the documents name, and sees every row.
 */
final class KilledRuns implements AutoCloseable {

    /** A table, its twin, and the job on it. */
    interface Shape {

        /** How many rows each has. */
        int ROWS = 6000;

        /** The table as SQL writes it. */
        String table();

        /** Its twin. */
        String twin();

        /** The job's name. */
        String job();

        /** The range of the job. */
        String range();

        /** Creates and fills both. */
        List<String> ddl();

        /** The change, not idempotent. */
        String change(String table, String where);

        /** The job's file: every batch takes a while, so that there is time to kill. */
        default String yaml() {
            return yaml(":range AND (SELECT pg_sleep(0.16)) IS NOT NULL");
        }

        /** The job's file, for changing these rows, and with more lines. */
        default String yaml(String where, String... more) {
            return """
                    version: 1
                    job: %s
                    table: '%s'
                    range: %s
                    sql: |
                      %s
                    verify: { remaining: n = 0 }
                    parallelism: 2
                    batch: { size: 100, min: 100, max: 100 }
                    %s
                    """.formatted(job(), table(), range(), change(table(), where), String.join("\n", more));
        }
    }

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int FEWEST_SLICES = 3;
    private static final int FEWEST_BATCHES = 20;

    private static final String GRANT_USE = """
            DO $$ DECLARE schema text; BEGIN
                FOR schema IN SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema' LOOP
                    EXECUTE format('GRANT USAGE ON SCHEMA %1$s TO %2$s', schema, '{role}');
                    EXECUTE format('GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA %1$s TO %2$s', schema, '{role}');
                END LOOP;
            END $$
            """;

    private final TestDatabase database;
    private final TestRole role;

    private KilledRuns(TestDatabase database) throws SQLException {
        this.database = database;
        this.role = database.newMonitoringRole();
    }

    /** Creates the tables, runs all jobs, kills the daemon while each is under way, and lets another end them. */
    static KilledRuns over(Path directory, List<? extends Shape> shapes, String... before) throws Exception {
        KilledRuns runs = new KilledRuns(TestPostgres.newest().newDatabase());
        try {
            runs.database.execute(before);
            for (Shape shape : shapes) {
                runs.database.execute(shape.ddl().toArray(String[]::new));
            }
            runs.grant();
            runs.runAndKill(directory, shapes);
            for (Shape shape : shapes) {
                runs.database.execute(shape.change(shape.twin(), "true"));
            }
            runs.goOn(directory);
            return runs;
        } catch (Exception | Error e) {
            runs.close();
            throw e;
        }
    }

    private void grant() throws SQLException {
        database.execute(
                "ALTER ROLE " + role.name() + " BYPASSRLS",
                "GRANT CREATE ON DATABASE " + database.name() + " TO " + role.name(),
                GRANT_USE.replace("{role}", role.name()));
    }

    private void runAndKill(Path directory, List<? extends Shape> shapes) throws Exception {
        try (Daemon daemon = start(directory, "Asia/Kathmandu")) {
            daemon.post("/api/v1/pause");
            for (Shape shape : shapes) {
                daemon.jobFile(directory, shape.job() + ".yaml", shape.yaml());
            }
            awaitAll(database, daemon, () -> count("hold->>'reason' = 'stopped'") == shapes.size());
            daemon.post("/api/v1/resume");
            awaitAll(database, daemon, () -> underWay() == shapes.size());
        }
        assertThat(database.queryStrings("SELECT job FROM backfill.run WHERE state <> 'RUNNING'"))
                .as("runs that the kill has not hit in mid-run")
                .isEmpty();
    }

    private void goOn(Path directory) throws Exception {
        try (Daemon daemon = start(directory, "America/St_Johns")) {
            awaitAll(database, daemon, () -> count("state IN ('RUNNING', 'VERIFYING')") == 0);
        }
    }

    /** It has succeeded, in slices and batches, and every row is like its twin. */
    void assertLikeItsTwin(Shape shape) throws SQLException {
        assertLikeItsTwin(database, shape);
    }

    /** The same of a run that nobody has killed. */
    static void assertLikeItsTwin(TestDatabase database, Shape shape) throws SQLException {
        assertThat(database.queryStrings("SELECT state || coalesce(': ' || reason, '') FROM backfill.run WHERE job = '"
                        + shape.job() + "'"))
                .containsExactly("SUCCEEDED");
        String difference = "(SELECT * FROM %s EXCEPT ALL SELECT * FROM %s)";
        assertThat(database.queryLong("SELECT count(*) FROM ("
                        + difference.formatted(shape.table(), shape.twin())
                        + " UNION ALL "
                        + difference.formatted(shape.twin(), shape.table())
                        + ") AS d"))
                .as("rows that differ")
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM " + shape.table() + " WHERE n <> 0"))
                .isEqualTo(Shape.ROWS);
        assertThat(database.queryLong("SELECT sum(rows_scanned) FROM " + slices(shape)))
                .isEqualTo(Shape.ROWS);
        assertThat(database.queryLong("SELECT sum(batches) FROM " + slices(shape)))
                .isGreaterThanOrEqualTo(FEWEST_BATCHES);
        assertThat(database.queryLong("SELECT count(*) FROM " + slices(shape))).isGreaterThanOrEqualTo(FEWEST_SLICES);
    }

    @Override
    public void close() throws SQLException {
        database.close();
    }

    /** Waits; says how all runs are when it is in vain. */
    static void awaitAll(TestDatabase database, Daemon daemon, Callable<Boolean> wanted) throws Exception {
        try {
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(wanted);
        } catch (ConditionTimeoutException e) {
            String runs = "SELECT concat_ws(' ', job, state, reason, hold) FROM backfill.run";
            throw new AssertionError(database.queryStrings(runs) + " " + daemon.process(), e);
        }
    }

    private static String slices(Shape shape) {
        return "backfill.slice s JOIN backfill.run r ON r.id = s.run AND r.job = '" + shape.job() + "'";
    }

    private Daemon start(Path directory, String zone) throws Exception {
        return Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl(role.name())),
                "lease = 2s",
                "workers = 60",
                "databases.main.max-workers = 60",
                "databases.main.session.time-zone = \"" + zone + "\"");
    }

    /** How many runs have committed something, and have something left. */
    private long underWay() throws SQLException {
        return database.queryLong("SELECT count(*) FROM (SELECT run FROM backfill.slice GROUP BY run"
                + " HAVING sum(batches) > 1 AND bool_or(state <> 'DONE')) AS started");
    }

    private long count(String runs) throws SQLException {
        return database.queryLong("SELECT count(*) FROM backfill.run WHERE " + runs);
    }
}
