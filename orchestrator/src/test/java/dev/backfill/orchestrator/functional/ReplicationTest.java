package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A run gives way to a standby that falls behind, and goes on when it has caught up. */
class ReplicationTest {

    private static final int ROWS = 20_000;
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
    void a_run_holds_while_replay_is_paused_and_says_why_everywhere() throws Exception {
        try (Daemon daemon = daemon()) {
            awaitScanned(daemon, 1_000);
            standby.pauseReplay();
            long paused = System.nanoTime();
            daemon.awaitRun("count", run -> !reason(run).isEmpty());
            assertThat(Duration.ofNanos(System.nanoTime() - paused))
                    .as("a fifth of the budget, a second, and the time to ask")
                    .isLessThan(Duration.ofMillis(2_500));
            assertThat(reason(daemon.run("count"))).isEqualTo("replication-drain");

            await().atMost(PATIENCE)
                    .until(() -> daemon.run("count").path("hold").path("value").asDouble() > 2);
            JsonNode hold = daemon.run("count").path("hold");
            assertThat(hold.path("signal").asString()).isEqualTo("replication-drain");
            assertThat(hold.path("limit").asDouble()).isEqualTo(0.4);
            assertThat(hold.path("detail").asString()).contains("standby standby1 at 127.0.0.1 ", "allowed are 0.4 s");
            assertThat(daemon.metrics())
                    .contains(
                            "backfill_hold{backfill=\"count\",database=\"main\",reason=\"replication-drain\"} 1.0",
                            "backfill_pace_ratio{database=\"main\",governor=\"replication-drain\"} 0.0",
                            "backfill_signal_limit{database=\"main\",signal=\"replication-lag\","
                                    + "source=\"standby1 at 127.0.0.1\"} 2.0",
                            "backfill_signal_up{database=\"main\",signal=\"replication-lag\",source=\"\"} 1.0");
            JsonNode main =
                    daemon.get("/api/v1/databases").body().path("databases").path(0);
            assertThat(main.path("pace").asDouble()).isZero();
            assertThat(main.path("signals").toString())
                    .contains("\"signal\":\"replication-drain\",\"source\":\"standby1 at 127.0.0.1\"")
                    .contains("\"verdict\":\"hold\"");
            assertThat(main.path("standbys").path(0).path("name").asString()).isIn("", "standby1");

            long scanned = scanned(daemon);
            await().atMost(PATIENCE)
                    .until(
                            () -> daemon.get("/api/v1/events?job=count")
                                    .body()
                                    .path("events")
                                    .toString(),
                            events -> events.contains("\"hold\""));
            assertThat(scanned(daemon)).as("nothing moved meanwhile").isEqualTo(scanned);
            assertThat(database.queryLong("SELECT count(*) FROM backfill.event WHERE \"to\" = 'hold'"))
                    .isOne();

            standby.resumeReplay();
            daemon.awaitState("count", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_run_holds_while_the_receiver_stands_still() throws Exception {
        try (Daemon daemon = daemon()) {
            awaitScanned(daemon, 1_000);
            standby.freezeReceiver();
            try {
                daemon.awaitRun(
                        "count",
                        run -> Set.of("replication-drain", "replication-lag").contains(reason(run)));
                long scanned = scanned(daemon);
                Thread.sleep(1_000);
                assertThat(scanned(daemon)).isEqualTo(scanned);
            } finally {
                standby.thawReceiver();
            }
            daemon.awaitState("count", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_receiver_that_does_not_reply_holds_by_that_alone() throws Exception {
        String only = "database-defaults.throttle { replication-drain = off, replication-lag = off,"
                + " standby-stale { limit = 3s } }";
        try (Daemon daemon = daemon(only)) {
            awaitScanned(daemon, 1_000);
            standby.freezeReceiver();
            try {
                daemon.awaitRun("count", run -> reason(run).equals("standby-stale"));
                JsonNode first = daemon.run("count").path("hold");
                assertThat(first.path("value").asDouble()).isGreaterThan(3);
                daemon.awaitRun("count", run -> run.path("hold").path("value").asDouble() > 5);
                assertThat(daemon.run("count").path("hold").path("since"))
                        .as("one hold, whatever its figures")
                        .isEqualTo(first.path("since"));
            } finally {
                standby.thawReceiver();
            }
            daemon.awaitState("count", "SUCCEEDED");
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

    /** A job of about 200 batches of 30 ms. */
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
