package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OddServer;
import dev.backfill.orchestrator.testing.PrometheusServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Runs give way to signals that the configuration defines, by the names that it gives them. */
class OutsideSignalsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration BATCH = Duration.ofMillis(50);
    private static final String QUEUE = "databases.main.throttle.sql.queue-depth"
            + " { query = \"SELECT count(*) FROM public.queue\", every = 500ms, hold = 10, resume = 4 }";

    @TempDir
    private Path directory;

    private TestDatabase database;
    private PacedTable table;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE TABLE queue (id int)");
        table = PacedTable.create(database, "fill", 2_000, BATCH);
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_query_of_the_database_holds_and_is_seen_everywhere() throws Exception {
        try (Daemon daemon = daemon(QUEUE)) {
            daemon.register("fill", table.job());
            await().atMost(PATIENCE).until(() -> table.batches() > 2);
            assertThat(signal(daemon, "queue-depth").path("verdict").asString()).isEqualTo("go");

            database.execute("INSERT INTO queue SELECT generate_series(1, 12)");
            JsonNode held = awaitHold(daemon, "fill", "queue-depth");
            assertThat(held.path("detail").asString()).isEqualTo("it is at 12; allowed are 10");
            assertThat(held.path("signal").asString()).isEqualTo("queue-depth");
            assertThat(held.path("value").asDouble()).isEqualTo(12);
            assertThat(held.path("limit").asDouble()).isEqualTo(10);
            assertThat(signal(daemon, "queue-depth").path("verdict").asString()).isEqualTo("hold");
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(daemon.metrics())
                            .contains(
                                    "backfill_hold{backfill=\"fill\",database=\"main\",reason=\"queue-depth\"} 1.0",
                                    "backfill_pace_ratio{database=\"main\",governor=\"queue-depth\"} 0.0",
                                    "backfill_signal_value{database=\"main\",signal=\"queue-depth\",source=\"\"} 12.0",
                                    "backfill_signal_limit{database=\"main\",signal=\"queue-depth\",source=\"\"} 10.0",
                                    "backfill_signal_up{database=\"main\",signal=\"queue-depth\",source=\"\"} 1.0"));

            database.execute("DELETE FROM queue WHERE id > 4");
            daemon.awaitState("fill", "SUCCEEDED");
            assertThat(daemon.metrics())
                    .containsPattern("backfill_hold_seconds_total\\{.*reason=\"queue-depth\"} [1-9]");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_query_that_may_not_be_read_refuses_the_job_with_the_grant_that_is_missing() throws Exception {
        String monitor = database.newMonitoringRole().name();
        try (Daemon daemon = daemon(QUEUE, "databases.main.monitor.user = " + monitor)) {
            Daemon.Answer refused = daemon.put("/api/v1/jobs/fill", table.job());
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.body().toString())
                    .contains(
                            "the health of the database cannot be watched: queue-depth: permission denied for table queue",
                            "GRANT SELECT ON queue TO " + monitor,
                            "throttle { queue-depth = off }");

            database.execute("GRANT SELECT ON queue TO " + monitor);
            daemon.register("fill", table.job());
            await().atMost(PATIENCE).until(() -> table.batches() > 2);
            daemon.say("cancel", "fill");
        }
    }

    @Test
    void a_job_turns_it_off_and_an_operator_changes_its_number() throws Exception {
        database.execute("INSERT INTO queue SELECT generate_series(1, 12)");
        PacedTable other = PacedTable.create(database, "other", 200, Duration.ZERO);
        try (Daemon daemon = daemon(QUEUE)) {
            daemon.register("fill", table.job());
            awaitHold(daemon, "fill", "queue-depth");
            daemon.register("other", other.job("throttle: { queue-depth: off }"));
            daemon.awaitState("other", "SUCCEEDED");
            assertThat(reason(daemon.run("fill"))).isEqualTo("queue-depth");

            assertThat(daemon.put("/api/v1/jobs/fault", job("fault", "throttle: { queue-deepth: off }"))
                            .body()
                            .toString())
                    .contains("unknown key queue-deepth (did you mean queue-depth?)");
            assertThat(tune(daemon, "{\"throttle\": {\"queue-deepth\": \"off\"}}")
                            .status())
                    .isEqualTo(400);
            assertThat(tune(daemon, "{\"throttle\": {\"queue-depth\": {\"hold\": 100}}}")
                            .status())
                    .isEqualTo(200);
            await().atMost(PATIENCE).until(() -> table.batches() > 2);
            database.execute("INSERT INTO queue SELECT generate_series(1, 120)");
            assertThat(awaitHold(daemon, "fill", "queue-depth").path("detail").asString())
                    .isEqualTo("it is at 132; allowed are 100");
            assertThat(tune(daemon, "{\"throttle\": {\"queue-depth\": \"off\"}}")
                            .status())
                    .isEqualTo(200);
            daemon.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
        other.assertEachRowWasChangedOnce();
    }

    @Test
    void a_gate_holds_until_it_says_yes() throws Exception {
        Files.writeString(directory.resolve("gate.token"), "abc.def");
        try (OddServer server = new OddServer();
                Daemon daemon = daemon("databases.main.throttle.http.gate { url = \"" + server.url("/may-i")
                        + "\", every = 500ms, stale-after = 3s, token-file = ../gate.token }")) {
            server.at("/may-i", 503, "SECRET");
            daemon.register("fill", table.job());
            JsonNode held = awaitHold(daemon, "fill", "gate");
            assertThat(held.path("detail").asString()).isEqualTo("it answers 503");
            assertThat(held.path("value").asDouble()).isEqualTo(503);
            assertThat(held.path("limit").isNull()).isTrue();
            assertThat(server.requests()).allSatisfy(head -> assertThat(head).contains("Bearer abc.def"));
            assertThat(database.queryLong("SELECT max(n) FROM fill")).isZero();

            server.at("/may-i", 204, "");
            await().atMost(PATIENCE).until(() -> table.batches() > 2);
            server.at("/may-i", out -> {});
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(awaitHold(daemon, "fill", "gate")
                                    .path("detail")
                                    .asString())
                            .startsWith("it cannot be read: 127.0.0.1:")
                            .endsWith("breaks off, or does not answer as HTTP says"));
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(daemon.metrics())
                            .contains("backfill_signal_up{database=\"main\",signal=\"gate\",source=\"\"} 0.0"));
            server.at("/may-i", 200, "SECRET");
            daemon.awaitState("fill", "SUCCEEDED");
            assertThat(daemon.process().errors()).doesNotContain("SECRET", "abc.def");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_prometheus_server_holds_by_a_number_that_an_operator_changes() throws Exception {
        Path files = Files.createDirectory(directory.resolve("prometheus"));
        try (PrometheusServer server = PrometheusServer.start(files);
                Daemon daemon = daemon("databases.main.throttle.prometheus.own { url = \"" + server.url()
                        + "\", query = \"max(up) * 3\", every = 500ms, hold = 2 }")) {
            daemon.register("fill", table.job());
            JsonNode held = awaitHold(daemon, "fill", "own");
            assertThat(held.path("detail").asString()).isEqualTo("it is at 3; allowed are 2");
            assertThat(signal(daemon, "own").path("value").asDouble()).isEqualTo(3);
            assertThat(daemon.metrics()).contains("backfill_pace_ratio{database=\"main\",governor=\"own\"} 0.0");

            assertThat(tune(daemon, "{\"throttle\": {\"own\": {\"hold\": 4}}}").status())
                    .isEqualTo(200);
            daemon.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void one_that_hangs_delays_no_other_and_no_worker() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        PacedTable other = PacedTable.create(database, "other", 200, Duration.ZERO);
        try (OddServer server = new OddServer();
                Daemon daemon = daemon(
                        QUEUE,
                        "databases.main.throttle.http.hanging { url = \"" + server.url("/")
                                + "\", every = 500ms, stale-after = 3s }",
                        "workers = 1")) {
            server.at("/", out -> never.await());
            daemon.register("other", other.job());
            assertThat(awaitHold(daemon, "other", "hanging").path("detail").asString())
                    .matches("it (cannot be read: 127\\.0\\.0\\.1:\\d+ does not answer within 2 s|is being read .*)");

            daemon.register("fill", table.job("throttle: { hanging: off }"));
            await().atMost(PATIENCE).until(() -> table.batches() > 2);
            for (int i = 0; i < 3; i++) {
                database.execute("INSERT INTO queue SELECT generate_series(1, 12)");
                awaitHold(daemon, "fill", "queue-depth");
                database.execute("TRUNCATE queue");
                daemon.awaitRun("fill", run -> reason(run).isEmpty());
            }
            daemon.awaitState("fill", "SUCCEEDED");
            assertThat(reason(daemon.run("other"))).isEqualTo("hanging");
            assertThat(server.requests()).hasSizeGreaterThan(1);

            server.at("/", 200, "");
            daemon.awaitState("other", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
        other.assertEachRowWasChangedOnce();
    }

    private Daemon daemon(String... settings) throws Exception {
        return Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()), settings);
    }

    private String job(String name, String more) {
        return table.job(more).replace("job: fill", "job: " + name);
    }

    private static Daemon.Answer tune(Daemon daemon, String body) {
        return daemon.patch("/api/v1/jobs/fill/tuning", body);
    }

    private static String reason(JsonNode run) {
        return run.path("hold").path("reason").asString("");
    }

    private static JsonNode awaitHold(Daemon daemon, String job, String reason) {
        daemon.awaitRun(job, run -> reason(run).equals(reason));
        return daemon.run(job).path("hold");
    }

    private static JsonNode signal(Daemon daemon, String word) {
        for (JsonNode signal :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (signal.path("signal").asString().equals(word)) {
                return signal;
            }
        }
        throw new AssertionError("no signal " + word);
    }
}
