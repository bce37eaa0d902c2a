package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.PrometheusServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Prometheus server that has let a run go goes away in mid-run: the run goes by what it said for as long as that counts. */
class PrometheusAwayTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(50);
    private static final Duration STALE = Duration.ofSeconds(4);
    private static final Duration A_MOMENT = Duration.ofSeconds(1);
    private static final String UP = "backfill_signal_up{database=\"main\",signal=\"own\",source=\"\"} ";

    @TempDir
    private Path directory;

    private interface Change {
        void make(PrometheusServer server) throws Exception;
    }

    @Test
    void while_it_hangs_a_run_holds_as_soon_as_its_last_answer_is_too_old() throws Exception {
        assertHolds(
                PrometheusServer::freeze,
                "it cannot be read: 127\\.0\\.0\\.1:\\d+ does not answer within 2 s",
                PrometheusServer::thaw);
    }

    @Test
    void after_its_end_a_run_holds_as_soon_as_its_last_answer_is_too_old() throws Exception {
        assertHolds(
                PrometheusServer::close, "it cannot be read: 127\\.0\\.0\\.1:\\d+ .*", PrometheusServer::startAgain);
    }

    private void assertHolds(Change away, String why, Change back) throws Exception {
        Path files = Files.createDirectory(directory.resolve("prometheus"));
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                PrometheusServer server = PrometheusServer.start(files)) {
            PacedTable table = PacedTable.create(database, "fill", 20_000, BATCH);
            try (Daemon daemon = Daemon.start(
                    directory.resolve("daemon"),
                    Map.of("main", database.jdbcUrl()),
                    "databases.main.throttle.prometheus.own { url = \"" + server.url()
                            + "\", query = \"max(up)\", every = 500ms, hold = 2, stale-after = 4s }")) {
                daemon.register("fill", table.job());
                await().atMost(PATIENCE).until(() -> table.batches() > 20);
                assertThat(daemon.metrics()).contains(UP + "1.0");

                away.make(server);
                Instant gone = table.now();
                daemon.awaitRun("fill", run -> reason(daemon).equals("own"));
                assertThat(daemon.run("fill").path("hold").path("detail").asString())
                        .matches(why);
                assertThat(Duration.between(gone, table.latestBegin()))
                        .as("from its end to the last batch")
                        .isBetween(STALE.dividedBy(2), STALE.plus(A_MOMENT));
                assertStands(table);
                await().atMost(PATIENCE).until(daemon::metrics, page -> page.contains(UP + "0.0"));

                back.make(server);
                daemon.awaitRun("fill", run -> reason(daemon).isEmpty());
                table.batchesLast(Duration.ZERO);
                daemon.awaitState("fill", "SUCCEEDED");
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    private static void assertStands(PacedTable table) throws Exception {
        long held = table.batches();
        await().during(A_MOMENT).atMost(PATIENCE).until(() -> table.batches() == held);
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }
}
