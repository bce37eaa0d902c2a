package dev.backfill.orchestrator.engine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts to the part of a range after which a run pauses itself once. Safe for use by several threads.
 *
 * <p>Other processes count for themselves; whoever is there first pauses the run for all.
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

    /** A batch of this size, cut to what is left until the pause. */
    int cut(int size) {
        return (int) Math.max(1, Math.min(size, most - scanned.get()));
    }

    /** Takes a committed batch in; true for the one that reaches the part. */
    boolean reachedBy(long keys) {
        long before = scanned.getAndAdd(keys);
        return before < most && before + keys >= most;
    }
}
