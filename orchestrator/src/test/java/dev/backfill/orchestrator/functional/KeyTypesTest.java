package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.KeyShape.ROWS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every kind of key through slices, batches, a kill in mid-run, going on, and the check: all at once in one daemon, which
 * is killed, and started again under another session time zone. Each table comes out like its twin, which one plain UPDATE
 * has changed.
 */
class KeyTypesTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int FEWEST_SLICES = 3;
    private static final int FEWEST_BATCHES = 20;

    private static TestDatabase database;

    @BeforeAll
    static void runAllAndKill(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)");
        for (KeyShape shape : KeyShape.values()) {
            database.execute(shape.ddl().toArray(String[]::new));
        }
        try (Daemon daemon = start(directory, "Asia/Kathmandu")) {
            daemon.post("/api/v1/pause");
            for (KeyShape shape : KeyShape.values()) {
                daemon.jobFile(directory, shape.job() + ".yaml", shape.yaml());
            }
            awaitAll(daemon, () -> count("hold->>'reason' = 'stopped'") == KeyShape.values().length);
            daemon.post("/api/v1/resume");
            awaitAll(daemon, () -> underWay() == KeyShape.values().length);
        }
        assertThat(database.queryStrings("SELECT job FROM backfill.run WHERE state <> 'RUNNING'"))
                .as("runs that the kill has not hit in mid-run")
                .isEmpty();
        for (KeyShape shape : KeyShape.values()) {
            database.execute(shape.change(shape.twin(), "true"));
        }
        try (Daemon daemon = start(directory, "America/St_Johns")) {
            awaitAll(daemon, () -> count("state IN ('RUNNING', 'VERIFYING')") == 0);
        }
    }

    @AfterAll
    static void drop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @EnumSource
    void it_comes_out_like_its_twin(KeyShape shape) throws Exception {
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
        assertThat(database.queryLong("SELECT sum(rows_scanned) FROM " + slices(shape)))
                .isEqualTo(ROWS);
        assertThat(database.queryLong("SELECT sum(batches) FROM " + slices(shape)))
                .isGreaterThanOrEqualTo(FEWEST_BATCHES);
        assertThat(database.queryLong("SELECT count(*) FROM " + slices(shape))).isGreaterThanOrEqualTo(FEWEST_SLICES);
    }

    private static void awaitAll(Daemon daemon, Callable<Boolean> wanted) throws Exception {
        try {
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(wanted);
        } catch (ConditionTimeoutException e) {
            String runs = "SELECT concat_ws(' ', job, state, reason, hold) FROM backfill.run";
            throw new AssertionError(database.queryStrings(runs) + " " + daemon.process(), e);
        }
    }

    private static String slices(KeyShape shape) {
        return "backfill.slice s JOIN backfill.run r ON r.id = s.run AND r.job = '" + shape.job() + "'";
    }

    private static Daemon start(Path directory, String zone) throws Exception {
        return Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "lease = 2s",
                "workers = 60",
                "databases.main.max-workers = 60",
                "databases.main.session.time-zone = \"" + zone + "\"");
    }

    /** How many runs have committed something, and have something left. */
    private static long underWay() throws Exception {
        return database.queryLong("SELECT count(*) FROM (SELECT run FROM backfill.slice GROUP BY run"
                + " HAVING sum(batches) > 1 AND bool_or(state <> 'DONE')) AS started");
    }

    private static long count(String runs) throws Exception {
        return database.queryLong("SELECT count(*) FROM backfill.run WHERE " + runs);
    }
}
