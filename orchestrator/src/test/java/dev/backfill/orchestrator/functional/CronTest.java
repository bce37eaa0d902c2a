package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Ticks.JOB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.Seed;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Planned starts, with daemons that come and go. */
class CronTest {

    private static final Duration AT_ONCE = Duration.ZERO;

    @TempDir
    private Path directory;

    private Ticks ticks;

    @BeforeEach
    void create() throws Exception {
        ticks = Ticks.create();
    }

    @AfterEach
    void close() throws Exception {
        ticks.close();
    }

    @Test
    void each_planned_time_has_one_run_however_many_daemons_see_it_come() throws Exception {
        try (Daemon one = ticks.start(directory.resolve("one"));
                Daemon other = ticks.start(directory.resolve("other"))) {
            Ticks.register(one, Ticks.EVERY_PERIOD, AT_ONCE);

            ticks.assertEachPeriodHasOneRun(4);

            Instant shown = Instant.parse(other.run(JOB).path("scheduled-for").asString());
            assertThat(ticks.planned()).contains(shown);
        }
    }

    @Tag("storm")
    @Test
    void each_planned_time_has_one_run_also_when_one_daemon_after_the_other_is_killed_as_it_comes() throws Exception {
        Random random = Seed.random("kills at planned times");
        List<Daemon> daemons = new ArrayList<>();
        try {
            for (String name : List.of("one", "other", "third")) {
                daemons.add(ticks.start(directory.resolve(name)));
            }
            Ticks.register(daemons.get(0), Ticks.EVERY_PERIOD, AT_ONCE);
            for (int kill = 0; kill < 4; kill++) {
                ticks.awaitPlannedTime(Duration.ofMillis(random.nextInt(500) - 200));
                Daemon killed = daemons.remove(0);
                killed.close();
                daemons.add(ticks.start(directory.resolve("after" + kill)));
            }

            ticks.assertEachPeriodHasOneRunOrWasSkipped(4);
        } finally {
            daemons.forEach(Daemon::close);
        }
    }

    @Test
    void what_was_missed_becomes_one_run_for_the_latest_time_soon_after_the_start() throws Exception {
        try (Daemon daemon = ticks.start(directory)) {
            Ticks.register(daemon, "{ start: { cron: \"0/5 * * * * ?\" } }", AT_ONCE);
            Ticks.soon(Duration.ofSeconds(20)).until(() -> ticks.finishedRuns() > 0);
            daemon.process().kill9();
            daemon.process().waitFor(Duration.ofSeconds(5));
        }
        long before = ticks.runs();
        aDayPasses();
        Instant started = ticks.now();

        try (Daemon daemon = ticks.start(directory)) {
            Ticks.soon(Duration.ofSeconds(10)).until(() -> ticks.runs() > before);
            Instant first = ticks.planned().get((int) before);
            assertThat(first).isBetween(started.minusSeconds(5), ticks.now());
            Ticks.soon(Duration.ofSeconds(20)).until(() -> ticks.runs() > before + 1);
            assertThat(ticks.planned().get((int) before + 1)).isAfter(first);
            assertThat(daemon.get("/api/v1/jobs/tick/runs").body().path("runs").size())
                    .isGreaterThan((int) before + 1);
            ticks.assertNoneBeforeItsTime();
        }
    }

    @Test
    void a_time_that_meets_an_unfinished_run_is_skipped_with_one_event() throws Exception {
        try (Daemon one = ticks.start(directory.resolve("one"));
                Daemon other = ticks.start(directory.resolve("other"))) {
            Ticks.register(one, Ticks.EVERY_PERIOD, Ticks.PERIOD.multipliedBy(3).dividedBy(2));
            Ticks.soon(Duration.ofSeconds(40)).until(() -> ticks.runs() > 1);

            List<Instant> planned = ticks.planned();
            List<String> missing = Stream.iterate(planned.get(0).plus(Ticks.PERIOD), time -> time.plus(Ticks.PERIOD))
                    .takeWhile(planned.get(1)::isAfter)
                    .map(time -> "the start planned for " + time + " found an unfinished run")
                    .toList();
            assertThat(missing).isNotEmpty();
            assertThat(ticks.skipped()).isEqualTo(missing);
            assertThat(other.get("/api/v1/events?job=tick&limit=1000").body().toString())
                    .contains(missing);
        }
    }

    @Test
    void a_start_at_a_time_becomes_one_run_and_not_another_after_a_restart() throws Exception {
        Instant at = ticks.now().plusSeconds(8).truncatedTo(ChronoUnit.SECONDS);
        assertStartsOnceFor(at);
    }

    @Test
    void a_start_at_a_time_that_is_over_becomes_one_run_at_once() throws Exception {
        assertStartsOnceFor(Instant.parse("2026-01-01T00:00:00Z"));
    }

    private void assertStartsOnceFor(Instant at) throws Exception {
        try (Daemon daemon = ticks.start(directory)) {
            Ticks.register(daemon, "{ start: { at: \"%s\" } }".formatted(at), AT_ONCE);
            daemon.awaitState(JOB, "SUCCEEDED");
        }
        assertThat(ticks.planned()).containsExactly(at);
        ticks.assertNoneBeforeItsTime();
        try (Daemon again = ticks.start(directory)) {
            assertThat(again.state(JOB)).isEqualTo("SUCCEEDED");
            await().dontCatchUncaughtExceptions()
                    .during(Duration.ofSeconds(3))
                    .atMost(Duration.ofSeconds(6))
                    .until(() -> ticks.runs() == 1);
        }
    }

    /** Everything that was written down is a day older. */
    private void aDayPasses() throws Exception {
        ticks.database()
                .execute(
                        "UPDATE backfill.registration SET planned_since = planned_since - interval '1 day',"
                                + " handled = handled - interval '1 day'",
                        "UPDATE backfill.run SET scheduled_for = scheduled_for - interval '1 day',"
                                + " created = created - interval '1 day', started = started - interval '1 day',"
                                + " finished = finished - interval '1 day'");
    }
}
