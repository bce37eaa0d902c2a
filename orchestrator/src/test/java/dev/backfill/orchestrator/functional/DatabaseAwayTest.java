package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A daemon on two databases, of which one goes away: {@code far}, behind a network that fails. Takes two minutes. */
class DatabaseAwayTest {

    private static final Duration A_MINUTE = Duration.ofSeconds(60);
    /** Less than it takes to wait for a connection. */
    private static final Duration QUICK = Duration.ofSeconds(4);

    @TempDir
    private Path directory;

    private Counters near;
    private Counters far;
    private FaultProxy network;

    @BeforeEach
    void twoDatabases() throws Exception {
        near = Counters.create(Counters.Order.ID, 12_000);
        far = Counters.create(Counters.Order.ID, 12_000);
        network = FaultProxy.to(TestPostgres.newest());
    }

    @AfterEach
    void close() throws Exception {
        network.close();
        near.close();
        far.close();
    }

    @Test
    void without_one_at_the_start_it_works_the_other_and_that_one_once_it_comes() throws Exception {
        network.down();
        try (Daemon daemon = start()) {
            job(daemon, "far", Duration.ofMillis(20));
            job(daemon, "near", Duration.ofMillis(20));
            JsonNode ready = daemon.get("/health/ready").body();
            assertThat(status(ready, "near")).isEqualTo("ready");
            assertThat(status(ready, "far")).isEqualTo("away");

            daemon.awaitState("near", "SUCCEEDED");

            JsonNode jobs = daemon.get("/api/v1/jobs").body();
            assertThat(jobs.path("jobs")).hasSize(1);
            assertThat(jobs.path("away").path(0).path("database").asString()).isEqualTo("far");
            network.up();
            daemon.awaitState("far", "SUCCEEDED");
            assertThat(status(daemon.get("/health/ready").body(), "far")).isEqualTo("ready");
            near.assertDoneOnce();
            far.assertDoneOnce();
        }
    }

    @Tag("storm")
    @Test
    void away_for_a_minute_in_mid_run_it_keeps_nobody_and_goes_on_by_itself() throws Exception {
        try (Daemon daemon = start()) {
            job(daemon, "near", Duration.ofMillis(500));
            job(daemon, "far", Duration.ofMillis(100));
            soon(30).until(() -> far.batches() > 5 && near.batches() > 1);

            network.down();
            long down = System.nanoTime();
            assertOthersAreServed(daemon, A_MINUTE);
            assertThat(heldSeconds(daemon, "database-down")).isBetween(40.0, 65.0);
            assertThat(daemon.process().errors())
                    .containsPattern("run is held database=\"far\" job=\"far\" .*reason=\"database-down\"");
            network.up();

            assertThat(Duration.ofNanos(System.nanoTime() - down)).isGreaterThanOrEqualTo(A_MINUTE);
            daemon.awaitState("far", "SUCCEEDED");
            assertThat(daemon.get("/api/v1/events?job=far&limit=1000").body().toString())
                    .contains("database-down");
            far.assertDoneOnce();
            daemon.awaitState("near", "SUCCEEDED");
            near.assertDoneOnce();
        }
    }

    @Test
    void a_network_that_swallows_everything_keeps_nobody_either() throws Exception {
        try (Daemon daemon = start()) {
            job(daemon, "near", Duration.ofMillis(200));
            job(daemon, "far", Duration.ofMillis(100));
            soon(30).until(() -> far.batches() > 5 && near.batches() > 1);

            network.blackHole();
            assertOthersAreServed(daemon, Duration.ofSeconds(20));
            network.heal();

            daemon.awaitState("far", "SUCCEEDED");
            far.assertDoneOnce();
            daemon.awaitState("near", "SUCCEEDED");
            near.assertDoneOnce();
        }
    }

    /** Once the daemon has noticed, which takes as long as it waits for a connection, every answer is quick. */
    private void assertOthersAreServed(Daemon daemon, Duration during) throws Exception {
        long begun = System.nanoTime();
        long batches = near.batches();
        soon(12).until(() -> status(daemon.get("/health/ready").body(), "far").equals("away"));
        Duration rest = during.minusNanos(System.nanoTime() - begun);
        await().dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(500))
                .during(rest)
                .atMost(rest.plusSeconds(5))
                .untilAsserted(() -> assertQuick(daemon));
        assertThat(near.batches()).isGreaterThan(batches + 20);
    }

    private static void assertQuick(Daemon daemon) {
        for (String path : List.of("/api/v1/jobs", "/api/v1/jobs/near", "/health/ready", "/metrics")) {
            long asked = System.nanoTime();
            assertThat(daemon.get(path).status()).as(path).isEqualTo(200);
            assertThat(Duration.ofNanos(System.nanoTime() - asked)).as(path).isLessThan(QUICK);
        }
    }

    private static double heldSeconds(Daemon daemon, String reason) throws Exception {
        return daemon.metrics()
                .lines()
                .filter(line -> line.startsWith("backfill_hold_seconds_total{backfill=\"far\""))
                .filter(line -> line.contains("reason=\"" + reason + "\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private Daemon start() throws IOException {
        return Daemon.start(
                directory,
                Map.of(
                        "near", near.database().jdbcUrl(),
                        "far", far.database().jdbcUrl(TestPostgres.SUPERUSER, network)),
                "lease = 5s");
    }

    private void job(Daemon daemon, String database, Duration batch) throws IOException {
        Path file = CounterJob.by(Counters.Order.ID)
                .parallelism(database.equals("near") ? 1 : 2)
                .largestBatch(100)
                .lasting(batch)
                .in(directory);
        String yaml = Files.readString(file).replace("job: count", "job: %1$s%ndatabase: %1$s".formatted(database));
        daemon.jobFile(directory, database + ".yaml", yaml);
    }

    private static String status(JsonNode ready, String database) {
        return ready.path("databases")
                .valueStream()
                .filter(node -> node.path("database").asString().equals(database))
                .map(node -> node.path("status").asString())
                .findFirst()
                .orElse("missing");
    }

    private static ConditionFactory soon(int seconds) {
        return await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(seconds))
                .pollInterval(Duration.ofMillis(50));
    }
}
