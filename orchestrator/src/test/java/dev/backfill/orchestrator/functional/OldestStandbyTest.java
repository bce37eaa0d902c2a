package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A standby of the oldest version that is supported: what can become of it beside one run. */
class OldestStandbyTest {

    private static final Set<String> BEHIND = Set.of("replication-drain", "replication-lag");

    @TempDir
    private Path directory;

    @Test
    void a_run_waits_for_it_while_it_is_behind_or_gone_and_not_while_it_is_idle() throws Exception {
        try (TestStandby standby = TestStandby.start(14, directory.resolve("servers"));
                TestDatabase database = standby.primary().newDatabase();
                Daemon daemon = Daemon.start(
                        directory,
                        Map.of("main", database.jdbcUrl()),
                        "databases.main.throttle.replication-lag.budget = 2s")) {
            PacedTable table = PacedTable.create(database, "fill", 6_000, Duration.ofMillis(30));
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> daemon.get("/api/v1/databases")
                            .body()
                            .toString()
                            .contains("{\"name\":\"standby1\",\"address\":\"127.0.0.1\"}"));
            daemon.register("fill", table.job());
            soon(table, 3);
            assertThat(daemon.heldBy("fill")).as("after an idle time").isEmpty();

            standby.pauseReplay();
            daemon.awaitRun("fill", run -> BEHIND.contains(daemon.heldBy("fill")));
            standby.resumeReplay();
            soon(table, 3);

            standby.freezeReceiver();
            daemon.awaitRun("fill", run -> BEHIND.contains(daemon.heldBy("fill")));
            standby.thawReceiver();
            soon(table, 3);

            standby.killStandby();
            daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals("standby-missing"));
            assertThat(daemon.delete("/api/v1/databases/main/standbys/standby1").status())
                    .isEqualTo(204);
            table.batchesLast(Duration.ZERO);
            daemon.awaitState("fill", "SUCCEEDED");
            table.assertEachRowWasChangedOnce();
        }
    }

    private static void soon(PacedTable table, int more) throws Exception {
        long before = table.batches();
        await().atMost(Duration.ofSeconds(30)).until(() -> table.batches() >= before + more);
    }
}
