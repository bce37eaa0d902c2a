package dev.backfill.api;

import java.time.Duration;

/**
 * The bounds of a batch, which is one transaction.
 *
 * @param size keys in the first batch
 * @param min the least keys that a batch is cut to
 * @param max the most keys that a batch grows to
 * @param target the time that one batch should take
 */
public record BatchLimits(int size, int min, int max, Duration target) {

    /**
     * Checks that {@code 1 <= min <= size <= max} and that the target is positive.
     *
     * @throws IllegalArgumentException when it is not so
     */
    public BatchLimits {
        if (min < 1 || size < min || max < size) {
            throw new IllegalArgumentException(
                    "batch needs 1 <= min <= size <= max, and has min %d, size %d, max %d".formatted(min, size, max));
        }
        if (target.isNegative() || target.isZero()) {
            throw new IllegalArgumentException("batch.target must be longer than 0");
        }
    }
}
