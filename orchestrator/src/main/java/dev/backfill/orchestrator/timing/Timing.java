package dev.backfill.orchestrator.timing;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Time and waiting, so that a loop never reaches for them itself. Safe for use by several threads. */
public interface Timing {

    /**
     * A clock that only measures distances.
     *
     * @return nanoseconds since an arbitrary moment
     */
    long nanos();

    /**
     * The time of day, for names and messages; nothing is decided by it.
     *
     * @return this machine's clock
     */
    Instant now();

    /**
     * Waits.
     *
     * @param stop ends the wait early
     * @param atMost how long
     * @return whether the wait was ended by the stop
     */
    boolean await(CountDownLatch stop, Duration atMost);

    /**
     * Waits for as long as it takes.
     *
     * @param duration how long
     */
    default void sleep(Duration duration) {
        await(new CountDownLatch(1), duration);
    }

    /**
     * The time that has passed.
     *
     * @param since what {@link #nanos} said then
     * @return never negative
     */
    default Duration since(long since) {
        return Duration.ofNanos(Math.max(0, nanos() - since));
    }

    /**
     * The real thing.
     *
     * @return the system's monotonic clock
     */
    static Timing system() {
        return new SystemTiming();
    }

    /** The system's clock. */
    final class SystemTiming implements Timing {
        @Override
        public long nanos() {
            return System.nanoTime();
        }

        @Override
        public Instant now() {
            return Instant.now();
        }

        @Override
        public boolean await(CountDownLatch stop, Duration atMost) {
            try {
                return stop.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return true;
            }
        }
    }
}
