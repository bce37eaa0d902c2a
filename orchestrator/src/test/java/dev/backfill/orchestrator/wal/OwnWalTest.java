package dev.backfill.orchestrator.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class OwnWalTest {

    private final SettableTiming timing = new SettableTiming();
    private final OwnWal own = new OwnWal(timing);

    @Test
    void what_had_been_written_at_a_moment_is_known_for_half_a_minute() {
        long begin = timing.nanos();
        for (int second = 1; second <= 40; second++) {
            timing.pass(Duration.ofSeconds(1));
            own.wrote(new Written(0, 100, true));
        }

        assertThat(own.total()).isEqualTo(4_000);
        assertThat(own.total(timing.nanos())).isEqualTo(4_000);
        assertThat(own.total(timing.nanos() - 1)).isEqualTo(3_900);
        assertThat(own.total(begin + Duration.ofMillis(20_500).toNanos())).isEqualTo(2_000);
        assertThat(own.total(begin)).as("the oldest that is known").isEqualTo(900);
    }

    @Test
    void before_anything_was_written_it_was_nothing() {
        long begin = timing.nanos();
        timing.pass(Duration.ofSeconds(1));
        own.wrote(new Written(0, 100, true));

        assertThat(own.total(begin)).isZero();
    }
}
