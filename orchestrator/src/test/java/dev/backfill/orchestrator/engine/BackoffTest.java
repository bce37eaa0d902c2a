package dev.backfill.orchestrator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackoffTest {

    private static final Duration FIRST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofSeconds(2);

    private final Patience.Backoff backoff = new Patience.Backoff(FIRST, LONGEST, new Random(1));

    @Test
    void the_longest_wait_doubles_with_each_failure_up_to_a_limit() {
        assertThat(longestAfter(1)).isBetween(Duration.ofMillis(90), Duration.ofMillis(100));
        assertThat(longestAfter(2)).isBetween(Duration.ofMillis(180), Duration.ofMillis(200));
        assertThat(longestAfter(4)).isBetween(Duration.ofMillis(720), Duration.ofMillis(800));
        assertThat(longestAfter(6)).isBetween(Duration.ofMillis(1800), LONGEST);
        assertThat(longestAfter(1000)).isBetween(Duration.ofMillis(1800), LONGEST);
        assertThat(longestAfter(Integer.MAX_VALUE)).isLessThanOrEqualTo(LONGEST);
    }

    @Test
    void waits_are_spread_over_the_whole_time_and_never_nothing() {
        long short_ = IntStream.range(0, 1000)
                .filter(i -> backoff.after(5).toMillis() < 800)
                .count();
        assertThat(short_).isBetween(400L, 600L);
        assertThat(IntStream.range(0, 1000).mapToObj(i -> backoff.after(1))).allMatch(wait -> wait.toMillis() >= 1);
    }

    private Duration longestAfter(int failures) {
        return IntStream.range(0, 1000)
                .mapToObj(i -> backoff.after(failures))
                .max(Duration::compareTo)
                .orElseThrow();
    }
}
