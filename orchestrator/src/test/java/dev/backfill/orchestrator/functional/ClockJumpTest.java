package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FakeClock;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The clock of a daemon's host jumps under a run, with planned starts to come and a standby to watch. */
@Tag("storm")
@EnabledIf("dev.backfill.orchestrator.testing.FakeClock#isPossible")
class ClockJumpTest {

    private static final Duration TEN_HOURS = Duration.ofHours(10);
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final double SECONDS_OF_THE_WHOLE_RUN = 300;
    private static final double SECONDS_OF_A_LOOK = 10;

    @TempDir
    private Path directory;

    @Test
    void ten_hours_forward_and_back_change_nothing() throws Exception {
        FakeClock clock = FakeClock.in(directory, Duration.ZERO);
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"));
                TestDatabase database = servers.primary().newDatabase();
                Oracle oracle = Oracle.create(database, 40_000);
                Ticks ticks = Ticks.create();
                Daemon daemon = Daemon.start(
                        directory,
                        clock::of,
                        Map.of(
                                "main",
                                database.jdbcUrl(),
                                "ticks",
                                ticks.database().jdbcUrl()),
                        "lease = 2s")) {
            database.execute("ANALYZE t");
            Ticks.register(daemon, Ticks.EVERY_PERIOD + "\ndatabase: ticks", Duration.ZERO);
            daemon.register(Oracle.JOB, oracle.yaml(100, BATCH) + "database: main\n");
            awaitProgress(oracle, ticks);

            for (Duration ahead : List.of(TEN_HOURS, Duration.ZERO)) {
                clock.set(ahead);
                Instant jumped = Instant.now();
                awaitProgress(oracle, ticks);
                assertThat(saidLast(daemon))
                        .isBetween(jumped.plus(ahead), Instant.now().plus(ahead));
                assertAllIsWell(daemon);
            }

            ticks.assertEachPeriodHasOneRun(3);
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
            assertThat(database.queryStrings("SELECT DISTINCT fence || ' ' || attempts FROM backfill.slice"))
                    .as("nobody took a slice from its worker")
                    .containsExactly("1 0");
            assertThat(daemon.process().errors()).doesNotContain("run is held", "is away", "ERROR");
        }
    }

    /** The run moves, and a planned start has come. */
    private static void awaitProgress(Oracle oracle, Ticks ticks) throws Exception {
        long batches = oracle.batches();
        long runs = ticks.finishedRuns();
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> oracle.batches() > batches + 20 && ticks.finishedRuns() > runs);
    }

    private static void assertAllIsWell(Daemon daemon) {
        JsonNode run = daemon.run(Oracle.JOB);
        assertThat(run.path("state").asString()).isEqualTo("RUNNING");
        assertThat(run.path("eta").asDouble(-1)).isBetween(0.0, SECONDS_OF_THE_WHOLE_RUN);
        JsonNode signals = daemon.get("/api/v1/databases").body().at("/databases/0/signals");
        assertThat(signals).hasSizeGreaterThanOrEqualTo(4);
        for (JsonNode signal : signals) {
            assertThat(signal.path("verdict").asString()).as("%s", signal).isEqualTo("go");
            assertThat(signal.path("age").asDouble()).as("%s", signal).isBetween(0.0, SECONDS_OF_A_LOOK);
        }
    }

    /** The time of the last line of its log. */
    private static Instant saidLast(Daemon daemon) {
        String last = daemon.process().errors().lines().reduce("", (before, line) -> line);
        return Instant.parse(last.substring(0, last.indexOf(' ')));
    }
}
