package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class DatabaseClockTest {

    private static final Instant NOON = Instant.parse("2026-11-25T12:00:00Z");

    private final SettableTiming timing = new SettableTiming();
    private final DatabaseClock clock = new DatabaseClock(timing);

    @Test
    void before_it_was_read_it_says_nothing() {
        assertThat(clock.now()).isEmpty();
        assertThat(clock.age()).isEmpty();
    }

    @Test
    void a_reading_is_carried_on_by_our_own_clock() {
        clock.read(NOON);
        assertThat(clock.now()).contains(NOON);

        timing.pass(Duration.ofSeconds(90));

        assertThat(clock.now()).contains(NOON.plusSeconds(90));
        assertThat(clock.age()).contains(Duration.ofSeconds(90));
    }

    @Test
    void the_latest_reading_counts_even_when_it_goes_back() {
        clock.read(NOON);
        timing.pass(Duration.ofSeconds(90));

        clock.read(NOON.plusSeconds(30));

        assertThat(clock.now()).contains(NOON.plusSeconds(30));
        assertThat(clock.age()).contains(Duration.ZERO);
    }
}
