package dev.backfill.orchestrator.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpeedTest {

    private static final long SECOND = 1_000_000_000;

    @Test
    void nothing_is_known_at_the_first_look() {
        assertThat(new Speed().at(7 * SECOND, 5_000)).isZero();
    }

    @Test
    void only_the_last_seconds_count() {
        Speed speed = new Speed();
        long count = 0;
        for (int second = 0; second < 20; second++) {
            count += 1_000;
            speed.at(second * SECOND, count);
        }
        for (int second = 20; second < 25; second++) {
            speed.at(second * SECOND, count);
        }

        assertThat(speed.at(25 * SECOND, count)).isZero();
        assertThat(speed.at(26 * SECOND, count + 6_000)).isEqualTo(1_200);
    }
}
