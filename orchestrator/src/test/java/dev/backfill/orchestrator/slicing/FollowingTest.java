package dev.backfill.orchestrator.slicing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.Passes.Followed;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FollowingTest {

    private static final Followed NEVER = new Followed(0, Duration.ZERO, Duration.ZERO, 0);

    @Test
    void there_is_a_first_round_however_short_the_pass_was() {
        assertThat(Following.next(NEVER)).contains(new Followed(1, Duration.ZERO, Duration.ZERO, 0));
    }

    @Test
    void a_run_that_is_faster_than_the_rows_come_in_is_close_after_a_few_rounds() {
        assertThat(rounds(3600, 0.5)).isEqualTo(11); // 3600 s, 1800 s, ..., 7.0 s, 3.5 s
        assertThat(rounds(3600, 0.05)).isEqualTo(4);
        assertThat(rounds(1, 0.5)).isEqualTo(1);
    }

    @Test
    void a_run_that_does_not_come_closer_gives_up() {
        assertThat(rounds(60, 1)).isEqualTo(4);
        assertThat(rounds(60, 1.5)).isEqualTo(4);
    }

    @Test
    void one_long_round_is_forgiven() {
        Followed after = new Followed(3, Duration.ofSeconds(500), Duration.ofSeconds(20), 0);

        Followed next = Following.next(after).orElseThrow();

        assertThat(next).isEqualTo(new Followed(4, Duration.ZERO, Duration.ofSeconds(20), 1));
        assertThat(Following.next(took(next, 15))).contains(new Followed(5, Duration.ZERO, Duration.ofSeconds(15), 0));
    }

    /** How many rounds there are when the first takes so long, and each of the others its part of the one before. */
    private static int rounds(double seconds, double part) {
        int rounds = 0;
        double lasts = seconds;
        Optional<Followed> next = Following.next(NEVER);
        while (next.isPresent()) {
            rounds++;
            next = Following.next(took(next.get(), lasts));
            lasts *= part;
        }
        return rounds;
    }

    private static Followed took(Followed round, double seconds) {
        return new Followed(
                round.rounds(), Duration.ofMillis((long) (seconds * 1000)), round.shortest(), round.noShorter());
    }
}
