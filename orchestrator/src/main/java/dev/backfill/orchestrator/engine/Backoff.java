package dev.backfill.orchestrator.engine;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before trying again: full jitter, so that those who collided do not collide again.
 *
 * @param first the longest wait before the second attempt
 * @param longest the longest wait at all
 * @param random where the jitter comes from
 * @see <a href="https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/">Exponential backoff and
 *     jitter</a>
 */
record Backoff(Duration first, Duration longest, RandomGenerator random) {

    private static final int MOST_DOUBLINGS = 20;

    /** The wait after so many failures, at least one. */
    Duration after(int failures) {
        long ceiling = first.toMillis() << Math.min(failures - 1, MOST_DOUBLINGS);
        return Duration.ofMillis(random.nextLong(1, Math.max(2, Math.min(ceiling, longest.toMillis()) + 1)));
    }
}
