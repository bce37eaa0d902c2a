package dev.backfill.orchestrator.outside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.gauges.Gauge;
import dev.backfill.orchestrator.gauges.Panel;
import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.outside.OutsideLoop.Interest;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.OutsideSignal;
import dev.backfill.orchestrator.policy.OutsideSignal.Sql;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.timing.Stop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** How often a signal is read, by a clock that only waiting moves. */
class OutsideLoopTest {

    private static final int READINGS = 4;

    private final SettableTiming timing = new SettableTiming();
    private final long begun = timing.nanos();
    private final Stop stop = new Stop(timing);
    private final List<Long> read = new ArrayList<>();
    private Interest interest = Interest.RUNS;
    private double value;
    private Runnable meanwhile = () -> {};

    private final class Reader implements SignalReader {
        @Override
        public Sample read() throws UnreadableException {
            read.add(timing.since(begun).toMillis());
            meanwhile.run();
            if (read.size() == READINGS) {
                stop.request();
            }
            if (value < 0) {
                throw new UnreadableException("nothing there");
            }
            return new Sample("", value, "", Optional.empty());
        }

        @Override
        public void close() {
            read.add(-1L);
        }
    }

    @Test
    void while_runs_move_it_is_as_often_as_was_said() {
        watch(10, 30);
        assertThat(read).containsExactly(0L, 10_000L, 20_000L, 30_000L, -1L);
    }

    @Test
    void while_none_does_it_is_seldom_and_still_counts() {
        interest = Interest.SOME;
        watch(10, 30);
        assertThat(read).containsExactly(0L, 15_000L, 30_000L, 45_000L, -1L);
    }

    @Test
    void an_answer_comes_before_the_last_one_is_too_old() {
        watch(10, 10);
        assertThat(read).containsExactly(0L, 6_000L, 12_000L, 18_000L, -1L);
    }

    @Test
    void what_cannot_be_read_is_tried_five_times_as_often() {
        value = -1;
        watch(10, 30);
        assertThat(read).containsExactly(0L, 2_000L, 4_000L, 6_000L, -1L);
    }

    @Test
    void but_never_more_than_once_a_second() {
        value = -1;
        watch(3, 30);
        assertThat(read).containsExactly(0L, 1_000L, 2_000L, 3_000L, -1L);
    }

    @Test
    void what_holds_is_read_five_times_as_often() {
        value = 8;
        Panel panel = panel(10, 30);
        Governor governor = governor(panel);
        OutsideLoop loop = new OutsideLoop(panel.gauge("queue"), new Reader(), () -> {
            governor.pace(); // as a run that waits asks
            return interest;
        });
        loop.watch(stop);
        assertThat(read).startsWith(0L).endsWith(-1L);
        assertThat(read.get(3) - read.get(1)).isEqualTo(4_000);
    }

    @Test
    void nobody_wants_to_know_and_nobody_is_asked_until_somebody_does() {
        interest = Interest.NONE;
        List<Duration> waited = new ArrayList<>();
        Panel panel = panel(10, 30);
        OutsideLoop loop = new OutsideLoop(panel.gauge("queue"), new Reader(), () -> {
            waited.add(timing.since(begun));
            if (waited.size() == 5) {
                interest = Interest.RUNS;
            }
            return interest;
        });
        loop.watch(stop);
        assertThat(read.get(0)).isEqualTo(8_000);
    }

    @Test
    void it_is_read_at_once_when_a_run_begins() {
        Panel panel = panel(10, 30);
        OutsideLoop loop = new OutsideLoop(panel.gauge("queue"), new Reader(), () -> interest);
        meanwhile = loop::hurry;
        loop.watch(stop);
        assertThat(read).containsExactly(0L, 0L, 0L, 0L, -1L);
    }

    @Test
    void unreadable_for_too_long_holds_with_the_reason_and_until_then_the_last_answer_counts() {
        Panel panel = panel(10, 30);
        Gauge gauge = panel.gauge("queue");
        Governor governor = governor(panel);
        assertThat(governor.pace().isHold()).isTrue();
        gauge.read(List.of(new Sample("", 3, "", Optional.empty())), timing.nanos());
        gauge.failed("nothing there");
        timing.pass(Duration.ofSeconds(29));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
        timing.pass(Duration.ofSeconds(1));
        assertThat(governor.pace().reason())
                .contains(new Pace.Reason(
                        "queue", "it cannot be read: nothing there", "the run goes on by itself once it can be read"));
    }

    private void watch(int every, int stale) {
        new OutsideLoop(panel(every, stale).gauge("queue"), new Reader(), () -> interest).watch(stop);
    }

    private static Governor governor(Panel panel) {
        return panel.governor("queue", new Level(OptionalDouble.empty(), OptionalDouble.of(5), 4), Optional.empty());
    }

    private Panel panel(int every, int stale) {
        OutsideSignal signal =
                new OutsideSignal("queue", new Sql("SELECT 1"), Duration.ofSeconds(every), Duration.ofSeconds(stale));
        return new Panel(List.of(new OutsideVital(signal)), timing);
    }
}
