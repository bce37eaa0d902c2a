package dev.backfill.orchestrator.engine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts to the part of a range after which a run pauses itself once. Safe for use by several threads.
 *
 * <p>Each process counts its own keys, and takes in now and then what all have done; whoever is there first pauses the run
 * for all.
 */
final class Canary {

    private final long most;
    private final AtomicLong scanned;

    private Canary(long most, long scanned) {
        this.most = most;
        this.scanned = new AtomicLong(scanned);
    }

    /** A run that does not pause itself. */
    static Canary none() {
        return new Canary(Long.MAX_VALUE, 0);
    }

    /** A run that pauses itself after so many keys, and is this far. */
    static Canary after(long keys, long scanned) {
        return new Canary(Math.max(1, keys), scanned);
    }

    /** Whether it counts at all. */
    boolean isWatching() {
        return most != Long.MAX_VALUE;
    }

    /** Whether the part is done: here, elsewhere, or by a process that died before it could say so. */
    boolean isReached() {
        return scanned.get() >= most;
    }

    /** A batch of this size, cut to what is left until the pause. */
    int cut(int size) {
        long left = most - scanned.get();
        return left > 0 ? (int) Math.min(size, left) : size;
    }

    /** Takes a committed batch in; true when the part is done. */
    boolean reachedBy(long keys) {
        return scanned.addAndGet(keys) >= most;
    }

    /** Takes in what all processes have done. */
    void seen(long keys) {
        scanned.accumulateAndGet(keys, Math::max);
    }
}
