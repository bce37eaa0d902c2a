package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class WalTimesTest {

    private static final long SECOND = 1_000_000_000;

    private final WalTimes times = new WalTimes();

    @Test
    void who_is_where_the_primary_is_is_not_behind_however_long_nothing_was_written() {
        times.passed(100, 0);
        times.passed(100, 3_600 * SECOND);

        assertThat(times.behind(100, 3_600 * SECOND)).isZero();
        assertThat(times.behind(200, 3_600 * SECOND)).isZero();
    }

    @Test
    void a_lag_begins_when_the_primary_first_passed_the_position() {
        times.passed(100, 0);
        times.passed(200, SECOND);
        times.passed(200, 2 * SECOND);
        times.passed(300, 3 * SECOND);

        assertThat(times.behind(150, 5 * SECOND)).isEqualTo(Duration.ofSeconds(4));
        assertThat(times.behind(200, 5 * SECOND)).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void nobody_is_behind_at_a_moment_before_the_primary_passed() {
        times.passed(100, 0);
        times.passed(200, 3 * SECOND);

        assertThat(times.behind(100, 2 * SECOND)).isZero();
    }

    @Test
    void a_position_that_goes_back_is_another_primary() {
        times.passed(1_000, 0);
        times.passed(100, 5 * SECOND);

        assertThat(times.behind(50, 6 * SECOND)).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void what_is_older_than_ten_minutes_is_not_kept_but_who_is_behind_stays_behind() {
        for (int second = 0; second <= 3_600; second++) {
            times.passed(second, second * SECOND);
        }

        assertThat(times.behind(0, 3_600 * SECOND)).isBetween(Duration.ofMinutes(9), Duration.ofMinutes(10));
    }

    @Test
    void the_rate_is_that_of_late() {
        times.passed(0, 0);
        times.passed(1_000_000, SECOND);
        times.passed(1_000_100, 2 * SECOND);
        times.passed(1_000_200, 3 * SECOND);

        assertThat(times.rate(3 * SECOND, Duration.ofSeconds(1))).isCloseTo(100, within(1e-6));
        assertThat(times.rate(13 * SECOND, Duration.ofSeconds(1)))
                .as("idle since")
                .isLessThan(11);
        assertThat(new WalTimes().rate(0, Duration.ofSeconds(1))).isZero();
    }
}
