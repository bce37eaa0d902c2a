package dev.backfill.orchestrator.timing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Wakes a loop before its time. A ring while nobody waits is heard by the next wait. One thread waits, any may ring.
 */
public final class Bell {

    private final Timing timing;
    private volatile CountDownLatch next = new CountDownLatch(1);

    /**
     * A silent bell.
     *
     * @param timing how to wait
     */
    public Bell(Timing timing) {
        this.timing = timing;
    }

    /** Wakes who waits. */
    public void ring() {
        next.countDown();
    }

    /**
     * Waits, but no longer than until it rings.
     *
     * @param atMost how long
     */
    public void await(Duration atMost) {
        if (timing.await(next, atMost)) {
            next = new CountDownLatch(1);
        }
    }
}
