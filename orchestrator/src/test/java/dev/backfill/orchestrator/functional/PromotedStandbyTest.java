package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A standby is made a primary beside the one that a run is on: what the run writes from then on is lost to it. */
class PromotedStandbyTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(50);

    @TempDir
    private Path directory;

    @Test
    void a_run_on_the_old_primary_holds_until_somebody_forgets_the_standby() throws Exception {
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"));
                TestDatabase database = servers.primary().newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 20_000, BATCH);
            try (Daemon daemon = Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", table.job());
                await().atMost(PATIENCE)
                        .until(() -> standbys(daemon)
                                .path(0)
                                .path("name")
                                .asString("")
                                .equals(TestStandby.NAME));
                long before = table.batches();
                await().atMost(PATIENCE).until(() -> table.batches() > before + 20);
                assertThat(reason(daemon)).isEmpty();

                servers.promote();
                daemon.awaitRun("fill", run -> reason(daemon).equals("standby-missing"));
                assertThat(daemon.run("fill").path("hold").path("detail").asString())
                        .isEqualTo("expected standbys are not connected: standby1 at 127.0.0.1");
                assertHoldsForGood(daemon, table);
                assertThat(database.on(servers.standby()).queryLong("SELECT count(*) FROM fill WHERE n = 1"))
                        .as("rows that the new primary has as changed")
                        .isBetween(1L, 19_999L);

                assertThat(daemon.delete("/api/v1/databases/main/standbys/" + TestStandby.NAME)
                                .status())
                        .isEqualTo(204);
                daemon.awaitRun("fill", run -> reason(daemon).isEmpty());
                table.batchesLast(Duration.ZERO);
                daemon.awaitState("fill", "SUCCEEDED");
                assertThat(standbys(daemon)).isEmpty();
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    /** For longer than a standing counts, and than a standby that is seen again would take. */
    private static void assertHoldsForGood(Daemon daemon, PacedTable table) throws Exception {
        long held = table.batches();
        await().during(Duration.ofSeconds(6))
                .atMost(PATIENCE)
                .until(() -> table.batches() == held && reason(daemon).equals("standby-missing"));
    }

    private static JsonNode standbys(Daemon daemon) {
        return daemon.get("/api/v1/databases").body().path("databases").path(0).path("standbys");
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }
}
