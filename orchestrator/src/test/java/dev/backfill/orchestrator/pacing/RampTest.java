package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Workers whose speed together is a function of their number, each of whose batches takes a quarter of a second. */
class RampTest {

    private static final long SECOND = 1_000_000_000L;
    private static final Duration BATCH = Duration.ofMillis(250);

    private long now = Long.MAX_VALUE - 40 * SECOND; // of a clock that is only good for differences
    private final Ramp ramp = new Ramp(now);

    @Test
    void begins_with_one_and_adds_one_after_the_other() {
        assertThat(ramp.workers(4, now)).isEqualTo(1);

        work(RampTest::scales, 4, 1);
        assertThat(ramp.workers(4, now)).isGreaterThan(1);

        work(RampTest::scales, 4, 2);
        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void adds_none_while_the_run_is_slowed_down() {
        for (int i = 0; i < 50; i++) {
            now += SECOND;
            ramp.slowed(now);
            assertThat(ramp.workers(4, now)).isEqualTo(1);
        }
    }

    @Test
    void workers_that_each_add_something_all_stay() {
        assertThat(rests(RampTest::scales, 4, 600)).isLessThan(0.02);
        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void those_that_add_nothing_rest() {
        work(RampTest::twoAreEnough, 6, 120);

        assertThat(ramp.workers(6, now)).isEqualTo(2);
        double rests = rests(RampTest::twoAreEnough, 6, 3_600);
        assertThat(rests).isGreaterThan(0.65);
    }

    @Test
    void they_come_back_when_they_add_something_again() {
        work(RampTest::twoAreEnough, 4, 120);

        work(workers -> 1_000 * Math.pow(workers, 0.7), 4, 700);
        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void rows_that_take_much_longer_are_a_reason_to_look_at_once() {
        work(RampTest::scales, 4, 12);
        assertThat(ramp.workers(4, now)).isEqualTo(4);

        work(RampTest::twoAreEnough, 4, 11);
        assertThat(ramp.workers(4, now)).isLessThan(4);
    }

    @Test
    void a_trial_that_is_slowed_down_is_none() {
        untilTrial();

        ramp.slowed(now);
        assertThat(ramp.workers(2, now)).isEqualTo(2);
    }

    @Test
    void no_more_than_are_allowed_and_again_one_after_the_other_when_more_are() {
        work(RampTest::scales, 4, 10);
        assertThat(ramp.workers(1, now)).isEqualTo(1);
        work(RampTest::scales, 1, 10);

        assertThat(ramp.workers(4, now)).isEqualTo(1);
        work(RampTest::scales, 4, 2);
        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void who_commits_nothing_keeps_nobody_waiting_whatever_is_the_level() {
        now += 5 * SECOND;
        assertThat(ramp.workers(4, now)).isEqualTo(4);

        work(RampTest::twoAreEnough, 4, 120);
        assertThat(ramp.workers(4, now)).isEqualTo(2);
        now += 5 * SECOND;
        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void a_run_that_is_held_for_long_has_nobody_who_stands_still() {
        for (int second = 0; second < 20; second++) {
            now += SECOND;
            ramp.slowed(now);
        }

        assertThat(ramp.workers(4, now)).isEqualTo(1);
    }

    @Test
    void a_trial_in_which_somebody_commits_nothing_ends() {
        untilTrial();
        for (int i = 0; i < 80; i++) {
            now += BATCH.toNanos();
            ramp.committed(2, 250, 2, now); // the first one hangs
        }

        assertThat(ramp.workers(2, now)).isEqualTo(2);
    }

    @Test
    void brief_batches_are_compared_with_each_other_only() {
        work(RampTest::scales, 4, 20);
        ramp.brief(true, now);

        assertThat(rests(workers -> scales(workers) / 2, 4, 10)).isZero();
    }

    @Test
    void trials_that_are_cut_short_become_seldom() {
        int trials = 0;
        for (int i = 0; i < 600; i++) {
            work(RampTest::scales, 2, 1);
            if (ramp.workers(2, now) < 2) {
                trials++;
                ramp.slowed(now);
            }
        }

        assertThat(trials).isBetween(2, 6);
    }

    @Test
    void a_worker_on_rows_that_are_dear_is_worth_having_though_it_does_few() {
        for (int i = 0; i < 4 * 120; i++) {
            now += BATCH.toNanos();
            int workers = ramp.workers(4, now);
            for (int worker = 1; worker <= workers; worker++) {
                ramp.committed(worker, worker == 4 ? 5 : 250, 4, now);
            }
        }

        assertThat(ramp.workers(4, now)).isEqualTo(4);
    }

    @Test
    void when_fewer_are_at_work_than_may_be_nothing_is_tried() {
        int rested = 0;
        for (int i = 0; i < 4 * 120; i++) {
            now += BATCH.toNanos();
            int workers = ramp.workers(4, now);
            rested += i > 12 ? 4 - workers : 0;
            ramp.committed(1, 250, 4, now); // the others have no slice
        }

        assertThat(rested).isZero();
    }

    @Test
    void many_that_add_nothing_rest_soon() {
        work(RampTest::twoAreEnough, 32, 240);

        assertThat(ramp.workers(32, now)).isLessThan(8);
    }

    private static double scales(int workers) {
        return 1_000.0 * workers;
    }

    private static double twoAreEnough(int workers) {
        return scales(Math.min(workers, 2));
    }

    private void untilTrial() {
        work(RampTest::scales, 2, 31);
        while (ramp.workers(2, now) == 2) {
            work(RampTest::scales, 2, 0.25);
        }
    }

    private void work(IntToDoubleFunction speed, int allowed, double seconds) {
        rests(speed, allowed, seconds);
    }

    /** Works so long; the part of the allowed workers that rested meanwhile. */
    private double rests(IntToDoubleFunction speed, int allowed, double seconds) {
        long end = now + (long) (seconds * SECOND);
        long rested = 0;
        long steps = 0;
        while (now - end < 0) {
            now += BATCH.toNanos();
            int workers = ramp.workers(allowed, now);
            long rows = Math.round(speed.applyAsDouble(workers) / workers * BATCH.toNanos() / SECOND);
            for (int worker = 1; worker <= workers; worker++) {
                ramp.committed(worker, rows, allowed, now);
            }
            rested += allowed - workers;
            steps += allowed;
        }
        return (double) rested / steps;
    }
}
