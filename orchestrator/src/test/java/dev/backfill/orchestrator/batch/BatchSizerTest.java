package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BatchSizerTest {

    private static final Duration TARGET = Duration.ofMillis(250);
    private static final BatchLimits LIMITS = new BatchLimits(1000, 100, 100_000, TARGET);

    private final BatchSizer sizer = new BatchSizer(LIMITS);

    @Test
    void it_begins_with_the_first_size() {
        assertThat(sizer.next()).isEqualTo(1000);
        assertThat(sizer.isAtMin()).isFalse();
    }

    @Test
    void a_much_too_fast_batch_grows_fourfold_and_a_fast_one_by_half() {
        commit(Duration.ofMillis(1));
        assertThat(sizer.next()).isEqualTo(4000);

        BatchSizer other = new BatchSizer(LIMITS);
        other.committed(1000, Duration.ofMillis(70), Duration.ofMillis(70));
        assertThat(other.next()).isEqualTo(1500);
    }

    @Test
    void it_finds_the_target_from_cold_in_six_batches() {
        for (int batch = 0; batch < 6; batch++) {
            commit(atRate(100_000));
        }
        assertThat(sizer.next()).isBetween(22_500, 27_500);
    }

    @Test
    void after_a_slowdown_only_the_batch_under_way_is_too_long() {
        for (int batch = 0; batch < 10; batch++) {
            commit(atRate(100_000));
        }
        commit(atRate(25_000));
        assertThat(atRate(25_000)).isBetween(Duration.ofMillis(200), Duration.ofMillis(300));
    }

    @Test
    void it_never_leaves_the_limits() {
        for (int batch = 0; batch < 20; batch++) {
            commit(Duration.ofNanos(1));
        }
        assertThat(sizer.next()).isEqualTo(100_000);
        for (int batch = 0; batch < 20; batch++) {
            commit(Duration.ofMinutes(1));
        }
        assertThat(sizer.next()).isEqualTo(100);
        assertThat(sizer.isAtMin()).isTrue();
    }

    @Test
    void halving_forgets_the_rate_and_stops_at_the_least_size() {
        for (int batch = 0; batch < 10; batch++) {
            commit(atRate(100_000));
        }
        int before = sizer.next();
        sizer.halve();
        assertThat(sizer.next()).isEqualTo(Math.round(before / 2.0f));

        commit(TARGET);
        assertThat(sizer.next()).isEqualTo(Math.round(before / 2.0f));
        for (int i = 0; i < 20; i++) {
            sizer.halve();
        }
        assertThat(sizer.next()).isEqualTo(100);
    }

    @Test
    void the_short_rest_of_a_slice_says_nothing() {
        sizer.committed(3, Duration.ofMillis(1), Duration.ofMillis(1));
        sizer.committed(499, Duration.ofSeconds(10), Duration.ofSeconds(10));
        assertThat(sizer.next()).isEqualTo(1000);
    }

    @Test
    void a_brief_batch_changes_rows_for_a_third_of_a_millisecond() {
        brief(1_000_000, Duration.ofNanos(500_000));
        assertThat(sizer.next()).isEqualTo(300);

        sizer.limit(LIMITS, false);
        for (int batch = 0; batch < 10; batch++) {
            commit(atRate(400_000));
        }
        assertThat(sizer.next()).isEqualTo(100_000);
        sizer.limit(LIMITS, true);
        assertThat(sizer.next()).as("at once, by what is known").isLessThan(300);
        brief(400_000, Duration.ofMillis(1));
        assertThat(sizer.next()).isEqualTo(120);
    }

    @Test
    void a_brief_batch_takes_a_quarter_of_what_it_costs_besides_when_that_is_more() {
        brief(200_000, Duration.ofMillis(10));

        assertThat(sizer.next()).as("2.5 ms").isBetween(495, 505);
    }

    @Test
    void what_a_change_costs_however_few_its_rows_are_is_no_reason_for_fewer_rows() {
        Duration price = Duration.ofMillis(5);
        for (int batch = 0; batch < 20; batch++) {
            Duration changing = atRate(100_000).plus(price);
            sizer.committed(sizer.next(), changing.plusMillis(2), changing);
        }
        sizer.limit(LIMITS, true);
        for (int batch = 0; batch < 40; batch++) {
            Duration changing = atRate(100_000).plus(price);
            sizer.committed(sizer.next(), changing.plusMillis(2), changing);
        }

        assertThat(sizer.next()).as("1.75 ms of rows beside 7 ms").isBetween(160, 190);
    }

    @Test
    void a_brief_batch_that_waited_for_a_lock_makes_the_next_ones_no_longer() {
        for (int batch = 0; batch < 10; batch++) {
            commit(atRate(200_000));
        }
        brief(200_000, Duration.ofMillis(1));
        Duration waited = Duration.ofMillis(400);
        sizer.committed(sizer.next(), waited, waited);
        for (int batch = 0; batch < 30; batch++) {
            assertThat(sizer.next()).isLessThan(200);
            Duration changing = atRate(200_000);
            sizer.committed(sizer.next(), changing.plusMillis(1), changing);
        }
    }

    @Test
    void rows_that_are_dearer_than_those_of_the_long_batches_keep_a_brief_one_below_ten_milliseconds() {
        for (int batch = 0; batch < 20; batch++) {
            commit(atRate(4_000_000));
        }
        sizer.limit(LIMITS, true);
        commit(atRate(100_000)); // the one under way
        for (int batch = 0; batch < 200; batch++) {
            Duration changing = atRate(100_000);
            assertThat(changing).isLessThanOrEqualTo(Duration.ofMillis(11));
            sizer.committed(sizer.next(), changing.plusMillis(1), changing);
        }
    }

    @Test
    void batches_that_a_ceiling_cuts_teach_how_long_a_brief_one_is() {
        sizer.limit(LIMITS, true);
        for (int batch = 0; batch < 10; batch++) {
            sizer.committed(200, Duration.ofMillis(41), Duration.ofMillis(40));
        }

        assertThat(sizer.next()).isEqualTo(100);
    }

    @Test
    void after_brief_ones_batches_are_long_again_soon() {
        brief(400_000, Duration.ofMillis(1));
        sizer.limit(LIMITS, false);
        for (int batch = 0; batch < 8; batch++) {
            commit(atRate(400_000));
        }
        assertThat(sizer.next()).isBetween(90_000, 100_000);
    }

    /** Forty brief batches on a server that changes so many keys a second, and needs so long for the rest of a batch. */
    private void brief(long keysPerSecond, Duration besides) {
        sizer.limit(LIMITS, true);
        for (int batch = 0; batch < 40; batch++) {
            Duration changing = atRate(keysPerSecond);
            sizer.committed(sizer.next(), changing.plus(besides), changing);
        }
    }

    private void commit(Duration took) {
        sizer.committed(sizer.next(), took, took);
    }

    private Duration atRate(long keysPerSecond) {
        return Duration.ofNanos(sizer.next() * 1_000_000_000L / keysPerSecond);
    }
}
