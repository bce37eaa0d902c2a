package dev.backfill.api.processor;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Says that a batch should be tried again: whatever it did through its connection is rolled back, and the same rows come
 * once more. After the job's {@code errors.attempts} in a row the run pauses with the message.
 */
public final class RetryBatchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final @Nullable Duration after;
    private final boolean smaller;

    private RetryBatchException(String message, @Nullable Duration after, boolean smaller) {
        super(message);
        this.after = after;
        this.smaller = smaller;
    }

    /**
     * The same batch again after a while, longer each time: a service is away.
     *
     * @param message why, for an operator
     * @return to be thrown
     */
    public static RetryBatchException later(String message) {
        return new RetryBatchException(message, null, false);
    }

    /**
     * The same batch again after a time that somebody else has named: a service says when it wants to be asked again.
     *
     * @param message why, for an operator
     * @param pause how long to wait; an hour at the most
     * @return to be thrown
     */
    public static RetryBatchException after(String message, Duration pause) {
        return new RetryBatchException(message, pause, false);
    }

    /**
     * A smaller batch, at once: half as many keys. A single key that is too much pauses the run.
     *
     * @param message why, for an operator
     * @return to be thrown
     */
    public static RetryBatchException smaller(String message) {
        return new RetryBatchException(message, null, true);
    }

    /**
     * How long to wait.
     *
     * @return empty when the program decides
     */
    public Optional<Duration> pause() {
        return Optional.ofNullable(after);
    }

    /**
     * Whether the batch is too large.
     *
     * @return true when the next should have half as many keys
     */
    public boolean isSmaller() {
        return smaller;
    }
}
