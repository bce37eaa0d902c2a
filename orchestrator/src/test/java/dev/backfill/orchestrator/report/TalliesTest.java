package dev.backfill.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunListener.Outcome;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TalliesTest {

    private static final Slice SLICE = sliceOf("run");
    private static final Hold STOPPED = new Hold("stopped", "");
    private static final Hold WINDOW = new Hold("window", "");

    private final SettableTiming timing = new SettableTiming();
    private final Tallies tallies = new Tallies(timing);

    @Test
    void what_happened_is_summed_until_it_is_taken() {
        tallies.batchRolledBack(SLICE, Outcome.RETRIED, "");
        tallies.batchRolledBack(SLICE, Outcome.RETRIED, "");
        tallies.batchRolledBack(SLICE, Outcome.SPLIT, "");
        tallies.commitFenced(SLICE);
        tallies.gaveWay(SLICE, "pid 1", Duration.ofMillis(700));
        tallies.gaveWay(SLICE, "pid 2", Duration.ofMillis(300));
        tallies.wrote(SLICE, new Written(0, 1_000, true));
        tallies.wrote(SLICE, Written.UNKNOWN);
        tallies.wrote(SLICE, new Written(1_000, 1_500, true));

        assertThat(tallies.take())
                .isEqualTo(Map.of(
                        "run",
                        Map.of(
                                "retried", 2.0,
                                "split", 1.0,
                                "fenced", 1.0,
                                "victims", 2.0,
                                "most-freed", 0.7,
                                "wal", 1_500.0)));
        assertThat(tallies.take()).isEmpty();
    }

    @Test
    void a_hold_counts_while_it_goes_on_and_once() {
        tallies.held("run", STOPPED, "one");
        pass(2);
        tallies.held("run", STOPPED, "said again by another worker");
        pass(1);
        assertThat(tallies.take()).isEqualTo(Map.of("run", Map.of("held-stopped", 3.0)));
        pass(4);
        tallies.held("run", WINDOW, "");
        pass(8);
        tallies.released("run", STOPPED);
        tallies.released("run", WINDOW);
        pass(16);

        assertThat(tallies.take()).isEqualTo(Map.of("run", Map.of("held-stopped", 4.0, "held-window", 8.0)));
    }

    @Test
    void a_run_that_is_left_is_held_here_no_more() {
        tallies.held("run", STOPPED, "");
        pass(1);
        tallies.left("run");
        pass(1);

        assertThat(tallies.take()).isEqualTo(Map.of("run", Map.of("held-stopped", 1.0)));
    }

    @Test
    void lag_counts_for_runs_that_are_worked_by_its_largest() {
        tallies.lag(9);
        tallies.worker(SLICE, true);
        tallies.worker(SLICE, true);
        tallies.lag(2);
        tallies.lag(1);
        tallies.worker(SLICE, false);
        tallies.lag(3);
        tallies.worker(SLICE, false);
        tallies.lag(9);

        assertThat(tallies.take()).isEqualTo(Map.of("run", Map.of("most-lag", 3.0)));
    }

    @Test
    void what_could_not_be_written_counts_again() {
        tallies.commitFenced(SLICE);
        tallies.gaveWay(SLICE, "pid 1", Duration.ofMillis(200));
        Map<String, Map<String, Double>> taken = tallies.take();
        tallies.commitFenced(SLICE);
        tallies.gaveWay(SLICE, "pid 1", Duration.ofMillis(100));
        tallies.giveBack(taken);

        assertThat(tallies.take()).isEqualTo(Map.of("run", Map.of("fenced", 2.0, "victims", 2.0, "most-freed", 0.2)));
    }

    /** A slice of a run. */
    static Slice sliceOf(String run) {
        return new Slice(
                new Slice.Id(run, 1),
                new Slice.Lease("owner", 1, 0),
                new Slice.Bounds(Optional.empty(), Key.of("9")),
                Optional.empty(),
                1);
    }

    private void pass(int seconds) {
        timing.pass(Duration.ofSeconds(seconds));
    }
}
