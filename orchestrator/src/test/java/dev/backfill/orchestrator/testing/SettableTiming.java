package dev.backfill.orchestrator.testing;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A clock that stands until it is moved. Who waits moves it, and waits no time at all. */
public final class SettableTiming implements Timing {

    private final List<Duration> waits = new ArrayList<>();
    private long nanos = Long.MAX_VALUE - 1;

    /** Moves the clock. */
    public synchronized void pass(Duration duration) {
        nanos += duration.toNanos();
    }

    /** How long was waited, each time that it was not for nothing. */
    public synchronized List<Duration> waits() {
        return List.copyOf(waits);
    }

    @Override
    public Instant now() {
        return Instant.ofEpochSecond(0, nanos());
    }

    @Override
    public synchronized long nanos() {
        return nanos;
    }

    @Override
    public synchronized boolean await(CountDownLatch stop, Duration atMost) {
        if (stop.getCount() == 0) {
            return true;
        }
        waits.add(atMost);
        pass(atMost);
        return false;
    }
}
