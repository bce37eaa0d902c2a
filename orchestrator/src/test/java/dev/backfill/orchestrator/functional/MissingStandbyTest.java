package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A run waits for a standby that is gone, and for a server that it cannot ask; it does not wait for nothing. */
class MissingStandbyTest {

    private static final int ROWS = 8_000;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String BUDGET = "database-defaults.throttle.replication-lag.budget = 2s";

    @TempDir
    private static Path servers;

    private static TestStandby standby;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private CountedTable table;

    @BeforeAll
    static void startServers() throws Exception {
        standby = TestStandby.start(servers);
    }

    @AfterAll
    static void stopServers() throws Exception {
        standby.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = standby.primary().newDatabase();
        table = CountedTable.create(database, ROWS);
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_run_holds_at_once_while_an_expected_standby_is_gone() throws Exception {
        try (Daemon daemon = daemon("database-defaults.standbys = [standby1]")) {
            awaitScanned(daemon, 1_000);
            standby.killStandby();
            long killed = System.nanoTime();
            daemon.awaitRun("count", run -> reason(run).equals("standby-missing"));
            assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(Duration.ofSeconds(2));
            long scanned = scanned(daemon);
            Thread.sleep(1_000);
            assertThat(scanned(daemon)).isEqualTo(scanned);
            assertThat(daemon.run("count").path("hold").path("value").asDouble())
                    .isEqualTo(1);
            assertThat(daemon.delete("/api/v1/databases/main/standbys/standby1").status())
                    .as("the configuration names it")
                    .isEqualTo(404);

            standby.startStandby();
            daemon.awaitState("count", "SUCCEEDED");
        } finally {
            standby.killStandby();
            standby.startStandby();
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_standby_that_was_seen_for_a_while_is_expected_until_somebody_forgets_it() throws Exception {
        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), "lease = 2s", BUDGET)) {
            await().atMost(PATIENCE)
                    .until(() -> daemon.get("/api/v1/databases")
                            .body()
                            .path("databases")
                            .path(0)
                            .path("standbys")
                            .toString()
                            .equals("[{\"name\":\"standby1\",\"address\":\"127.0.0.1\"}]"));
            standby.killStandby();
            register(daemon);
            daemon.awaitRun("count", run -> reason(run).equals("standby-missing"));
            assertThat(scanned(daemon)).isLessThan(ROWS);
            assertThat(daemon.delete("/api/v1/databases/main/standbys/other").status())
                    .isEqualTo(404);
            assertThat(daemon.delete("/api/v1/databases/other/standbys/standby1")
                            .status())
                    .isEqualTo(404);
            assertThat(daemon.run("count").path("hold").path("detail").asString())
                    .isEqualTo("expected standbys are not connected: standby1 at 127.0.0.1");

            assertThat(daemon.delete("/api/v1/databases/main/standbys/standby1", "{\"reason\": \"sold\"}")
                            .status())
                    .isEqualTo(204);
            daemon.awaitState("count", "SUCCEEDED");
            assertThat(daemon.get("/api/v1/events").body().path("events").toString())
                    .contains("\"subject\":{\"kind\":\"standby\",\"name\":\"standby1\"}")
                    .contains(
                            "\"to\":\"forgotten\",\"who\":\"anonymous at 127.0.0.1\",\"detail\":{\"reason\":\"sold\"}");
        } finally {
            standby.startStandby();
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_server_that_is_restarted_or_demoted_in_mid_run_is_waited_for() throws Exception {
        try (Daemon daemon = daemon()) {
            awaitScanned(daemon, 1_000);
            standby.stopPrimary();
            standby.startPrimary();
            awaitScanned(daemon, 3_000);

            standby.stopPrimary();
            standby.startPrimaryDemoted();
            await().atMost(PATIENCE)
                    .until(
                            daemon::metrics,
                            page -> page.contains(
                                    "backfill_signal_up{database=\"main\",signal=\"replication-lag\",source=\"\"} 0.0"));
            await().atMost(PATIENCE)
                    .until(
                            daemon::metrics,
                            page -> page.contains(
                                    "backfill_signal_up{database=\"main\",signal=\"lock-waits\",source=\"\"} 0.0"));
            assertThat(daemon.state("count"))
                    .as("no answer is no reason to give up")
                    .isIn("", "RUNNING");
            standby.stopPrimary();
            standby.startPrimary();
            daemon.awaitState("count", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void after_a_quiet_time_a_run_moves_at_once() throws Exception {
        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), "lease = 2s", BUDGET)) {
            Thread.sleep(6_000);
            long began = System.nanoTime();
            register(daemon);
            awaitScanned(daemon, 1);

            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(3));
            assertThat(daemon.metrics()).doesNotContainPattern("backfill_hold\\{.*reason=\"(standby|replication)");
            daemon.awaitState("count", "SUCCEEDED");
            assertThat(daemon.metrics())
                    .as("a standby that keeps up holds nobody")
                    .doesNotContainPattern("backfill_hold_seconds_total\\{.*reason=\"(standby|replication-lag)");
        }
        table.assertEachRowWasChangedOnce();
    }

    private Daemon daemon(String... more) throws Exception {
        Daemon daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "lease = 2s",
                more.length == 0 ? BUDGET : String.join("\n", more));
        register(daemon);
        return daemon;
    }

    /** A job of about 80 batches of 30 ms. */
    private void register(Daemon daemon) throws Exception {
        Path job = CounterJob.by(Counters.Order.ID)
                .lasting(Duration.ZERO)
                .statement("UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(0.02)) IS NOT NULL")
                .parallelism(1)
                .largestBatch(100)
                .in(directory);
        assertThat(daemon.put("/api/v1/jobs/count", Files.readString(job)).status())
                .isEqualTo(201);
    }

    private static void awaitScanned(Daemon daemon, long rows) {
        daemon.awaitRun("count", run -> run.path("rows").path("scanned").asLong(0) >= rows);
    }

    private static long scanned(Daemon daemon) {
        return daemon.run("count").path("rows").path("scanned").asLong(0);
    }

    private static String reason(JsonNode run) {
        return run.path("hold").path("reason").asString("");
    }
}
