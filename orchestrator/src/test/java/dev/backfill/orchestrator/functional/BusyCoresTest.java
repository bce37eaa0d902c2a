package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A run beside sessions of others that compute, on a server that is said to have one core. Only the daemon is asked. */
class BusyCoresTest {

    private static final Duration BATCH = Duration.ofMillis(50);
    private static final String COMPUTE = "DO $$ BEGIN LOOP END LOOP; END $$";
    private static final String WORKERS = "backfill_workers_active{backfill=\"fill\",database=\"main\"} ";

    @TempDir
    private Path directory;

    @Test
    void a_run_has_one_worker_then_holds_and_goes_on_once_the_server_has_time() throws Exception {
        try (OwnServer server = OwnServer.start(directory.resolve("server"));
                TestDatabase database = server.postgres().newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 40_000, BATCH);
            try (Daemon daemon = Daemon.start(
                    directory.resolve("daemon"), Map.of("main", database.jdbcUrl()), "databases.main.cores = 1")) {
                daemon.register("fill", table.job("parallelism: 2"));
                awaitWorkers(daemon, 2);
                assertThat(signal(daemon).path("verdict").asString()).isEqualTo("go");

                try (OtherSessions one = compute(database)) {
                    soon().until(() -> isAt(daemon, 1, "slow"));
                    soon().until(() -> pace(daemon) > 0.7 && pace(daemon) < 0.8);
                    assertOneWorker(daemon);
                    long before = scanned(daemon);
                    soon().until(() -> scanned(daemon) > before + 100);
                    assertThat(reason(daemon)).as("one is no reason to hold").isEmpty();

                    try (OtherSessions two = compute(database)) {
                        daemon.awaitRun("fill", run -> reason(daemon).equals("active-sessions"));
                        assertThat(daemon.run("fill")
                                        .path("hold")
                                        .path("detail")
                                        .asString())
                                .isEqualTo("2.00 sessions of others are on each core; allowed are 1.5");
                        two.assertWell();
                    }
                    soon().until(() -> isAt(daemon, 1, "slow"));
                    long held = scanned(daemon);
                    soon().during(Duration.ofSeconds(2)).until(() -> scanned(daemon) == held);
                    assertThat(reason(daemon)).as("1 is above 0.7").isEqualTo("active-sessions");
                    one.assertWell();
                }
                daemon.awaitRun("fill", run -> reason(daemon).isEmpty());
                awaitWorkers(daemon, 2);
                assertThat(pace(daemon)).isEqualTo(1);
                table.batchesLast(Duration.ZERO);
                daemon.awaitState("fill", "SUCCEEDED");
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    private static OtherSessions compute(TestDatabase database) throws Exception {
        return new OtherSessions(database, 1, COMPUTE, Duration.ZERO);
    }

    private static void awaitWorkers(Daemon daemon, int number) {
        soon().until(daemon::metrics, page -> page.contains(WORKERS + number + ".0"));
    }

    /** For a while, since one that is about to take its next slice is on none. */
    private static void assertOneWorker(Daemon daemon) {
        soon().during(Duration.ofSeconds(3)).until(daemon::metrics, page -> page.contains(WORKERS + "1.0"));
    }

    private static ConditionFactory soon() {
        return await().pollInterval(Duration.ofMillis(100)).atMost(Duration.ofSeconds(40));
    }

    private static boolean isAt(Daemon daemon, double value, String verdict) {
        JsonNode signal = signal(daemon);
        return signal.path("value").asDouble() == value
                && signal.path("verdict").asString().equals(verdict);
    }

    private static double pace(Daemon daemon) {
        return main(daemon).path("pace").asDouble();
    }

    private static long scanned(Daemon daemon) {
        return daemon.run("fill").path("rows").path("scanned").asLong(0);
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }

    private static JsonNode signal(Daemon daemon) {
        for (JsonNode signal : main(daemon).path("signals")) {
            if (signal.path("signal").asString().equals("active-sessions")) {
                return signal;
            }
        }
        throw new AssertionError("active-sessions is off");
    }

    private static JsonNode main(Daemon daemon) {
        return daemon.get("/api/v1/databases").body().path("databases").path(0);
    }
}
