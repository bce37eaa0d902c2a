package dev.backfill.orchestrator.timing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** The wish that work ends at the next batch boundary; once said it stays. Safe for use by several threads. */
public final class Stop {

    private final Timing timing;
    private final CountDownLatch requested = new CountDownLatch(1);

    /**
     * A wish not yet said.
     *
     * @param timing how to wait
     */
    public Stop(Timing timing) {
        this.timing = timing;
    }

    /** Says it. */
    public void request() {
        requested.countDown();
    }

    /**
     * Whether it was said.
     *
     * @return true from then on
     */
    public boolean isRequested() {
        return requested.getCount() == 0;
    }

    /**
     * Waits, but no longer than until it is said.
     *
     * @param duration how long
     * @return whether it was said
     */
    public boolean sleep(Duration duration) {
        return timing.await(requested, duration);
    }
}
