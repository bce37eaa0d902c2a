package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;

/** A clock that stands until it is moved. */
final class SettableTiming implements Timing {

    private long nanos = Long.MAX_VALUE - 1;

    void pass(Duration duration) {
        nanos += duration.toNanos();
    }

    @Override
    public Instant now() {
        return Instant.ofEpochSecond(0, nanos());
    }

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public boolean await(CountDownLatch stop, Duration atMost) {
        throw new UnsupportedOperationException("nobody waits here");
    }
}
