package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.FakeClock;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
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
    private static final double SECONDS_OF_A_LOOK = 40;

    @TempDir
    private Path directory;

    /** Two daemons are at the run; that of the other host knows the time. */
    @Test
    void ten_hours_forward_and_back_change_nothing() throws Exception {
        FakeClock clock = FakeClock.in(directory, Duration.ZERO);
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"));
                TestDatabase database = servers.primary().newDatabase();
                Oracle oracle = Oracle.create(database, 40_000);
                Ticks ticks = Ticks.create();
                Daemon daemon = start("daemon", clock::of, database, ticks);
                Daemon other = start("other", UnaryOperator.identity(), database, ticks)) {
            noteWhoLosesASlice(database);
            database.execute("ANALYZE t");
            Ticks.register(daemon, Ticks.EVERY_PERIOD + "\ndatabase: ticks", Duration.ZERO);
            daemon.register(Oracle.JOB, manySlices(oracle) + "database: main\n");
            awaitProgress(oracle, ticks);
            assertWorking(database, daemon, other);

            for (Duration ahead : List.of(TEN_HOURS, Duration.ZERO)) {
                clock.set(ahead);
                Instant jumped = Instant.now();
                oracle.faultIsOver();
                awaitProgress(oracle, ticks);
                assertThat(saidLast(daemon))
                        .isBetween(jumped.plus(ahead), Instant.now().plus(ahead));
                assertAllIsWell(daemon);
                assertAllIsWell(other);
                assertWorking(database, daemon, other);
            }

            ticks.assertEachPeriodHasOneRun(3);
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
            assertThat(database.queryStrings("SELECT slice FROM lost"))
                    .as("slices that were taken from their workers")
                    .isEmpty();
            for (Daemon each : List.of(daemon, other)) {
                assertThat(each.process().errors()).doesNotContain("run is held", "is away", "ERROR");
            }
        }
    }

    /** So short that each daemon often takes one while the other is in the middle of one before it. */
    private static String manySlices(Oracle oracle) {
        return oracle.yaml(100, BATCH).replace("parallelism: 2", "parallelism: 8");
    }

    /** It has one worker, so that each has its part of the run. */
    private Daemon start(
            String name, UnaryOperator<BackfillProcess.Builder> prepared, TestDatabase database, Ticks ticks)
            throws IOException {
        return Daemon.start(
                directory.resolve(name),
                prepared,
                Map.of("main", database.jdbcUrl(), "ticks", ticks.database().jdbcUrl()),
                "lease = 2s",
                "databases.main.max-workers = 1");
    }

    /** Workers that share a hand give slices back; a slice that has an owner gets another fence when it is taken alone. */
    private static void noteWhoLosesASlice(TestDatabase database) throws SQLException {
        database.execute(
                "CREATE TABLE lost (slice int)",
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO public.lost VALUES (OLD.number); RETURN NULL; END'",
                "CREATE TRIGGER note AFTER UPDATE ON backfill.slice FOR EACH ROW"
                        + " WHEN (OLD.owner IS NOT NULL AND NEW.fence <> OLD.fence) EXECUTE FUNCTION note()");
    }

    private static void assertWorking(TestDatabase database, Daemon... daemons) {
        for (Daemon daemon : daemons) {
            String its = "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND owner LIKE '%%/%d/%%'"
                    .formatted(daemon.process().pid());
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> database.queryLong(its) > 0);
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
