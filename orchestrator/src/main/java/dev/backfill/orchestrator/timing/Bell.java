package dev.backfill.orchestrator.timing;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/** Wakes a loop before its time. A ring while nobody waits is heard by the next who does. Safe for use by several threads. */
public final class Bell {

    private final Timing timing;
    private final AtomicReference<CountDownLatch> next = new AtomicReference<>(new CountDownLatch(1));

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
        next.get().countDown();
    }

    /**
     * Waits, but no longer than until it rings.
     *
     * @param atMost how long
     */
    public void await(Duration atMost) {
        CountDownLatch latch = next.get();
        if (timing.await(latch, atMost)) {
            next.compareAndSet(latch, new CountDownLatch(1));
        }
    }
}
