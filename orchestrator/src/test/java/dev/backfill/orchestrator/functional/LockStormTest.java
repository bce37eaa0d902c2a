package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Sessions of an application wait for one another; no row of a run's table is among what they wait for. */
class LockStormTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(50);
    private static final Duration FOR_GOOD = Duration.ofHours(1);
    private static final String TAKE = "UPDATE queue SET taken = taken + 1";

    @TempDir
    private Path directory;

    @Test
    void more_waiting_sessions_than_five_a_core_hold_a_run_until_they_are_through() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Connection first = database.connect();
                Statement statement = first.createStatement()) {
            database.execute("CREATE TABLE queue AS SELECT 0 AS taken");
            PacedTable table = PacedTable.create(database, "fill", 20_000, BATCH);
            try (Daemon daemon = Daemon.start(
                    directory,
                    Map.of("main", database.jdbcUrl()),
                    "databases.main { cores = 1, throttle.active-sessions = off }")) {
                daemon.register("fill", table.job());
                first.setAutoCommit(false);
                statement.execute(TAKE);
                try (OtherSessions five = new OtherSessions(database, 5, TAKE, FOR_GOOD)) {
                    await().atMost(PATIENCE)
                            .until(() -> storm(daemon).path("value").asDouble() == 5);
                    assertThat(storm(daemon).path("verdict").asString()).isEqualTo("go");
                    long before = table.batches();
                    await().atMost(PATIENCE).until(() -> table.batches() > before + 20);
                    assertThat(reason(daemon)).as("five may wait").isEmpty();

                    try (OtherSessions sixth = new OtherSessions(database, 1, TAKE, FOR_GOOD)) {
                        daemon.awaitRun("fill", run -> reason(daemon).equals("lock-storm"));
                        assertThat(daemon.run("fill")
                                        .path("hold")
                                        .path("detail")
                                        .asString())
                                .isEqualTo("6 sessions wait for locks; allowed are 5");
                        assertStands(table);

                        first.commit();
                        daemon.awaitRun("fill", run -> reason(daemon).isEmpty());
                        sixth.assertWell();
                    }
                    five.assertWell();
                }
                table.batchesLast(Duration.ZERO);
                daemon.awaitState("fill", "SUCCEEDED");
                assertThat(database.queryLong("SELECT taken FROM queue")).isEqualTo(7);
                assertThat(daemon.metrics())
                        .containsPattern("backfill_hold_seconds_total\\{.*reason=\"lock-storm\"} [1-9]")
                        .as("nobody has waited for a batch")
                        .doesNotContainPattern("backfill_lock_victims_total\\{.*} [1-9]");
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    private static void assertStands(PacedTable table) throws Exception {
        long held = table.batches();
        await().during(Duration.ofSeconds(1)).atMost(PATIENCE).until(() -> table.batches() == held);
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }

    private static JsonNode storm(Daemon daemon) {
        for (JsonNode signal :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (signal.path("signal").asString().equals("lock-storm")
                    && signal.path("source").asString("").isEmpty()) {
                return signal;
            }
        }
        throw new AssertionError("no signal lock-storm");
    }
}
