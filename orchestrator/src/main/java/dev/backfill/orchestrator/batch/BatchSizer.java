package dev.backfill.orchestrator.batch;

import dev.backfill.api.BatchLimits;
import java.time.Duration;

/**
 * How many keys the next batch takes, so that it takes the time it should. Pure: fed with what batches took.
 *
 * <p>The rate in keys per second is a weighted average in which each older batch weighs three quarters of the next.
 * Not safe for use by several threads: each worker has its own.
 */
public final class BatchSizer {

    private static final double DECAY = 0.75;
    private static final double GROWTH = 1.5;
    private static final double FAST_GROWTH = 4;

    private BatchLimits limits;
    private int size;
    private double weightedRates;
    private double weights;

    /**
     * Begins with the first size of the limits.
     *
     * @param limits the bounds of a batch
     */
    public BatchSizer(BatchLimits limits) {
        this.limits = limits;
        this.size = limits.size();
    }

    /**
     * Takes other limits.
     *
     * @param now the bounds of a batch from now on
     */
    public void limit(BatchLimits now) {
        if (!now.equals(limits)) {
            size = now.size() == limits.size() ? size : now.size();
            limits = now;
            size = within(size);
            forget();
        }
    }

    /**
     * The size of the next batch.
     *
     * @return keys, within the limits
     */
    public int next() {
        return size;
    }

    /**
     * The size of the first batch.
     *
     * @return keys
     */
    public int first() {
        return limits.size();
    }

    /**
     * Whether the next batch is as small as a batch may be.
     *
     * @return true at the lower limit
     */
    public boolean isAtMin() {
        return size <= limits.min();
    }

    /** The smallest batch that the limits want. */
    int min() {
        return limits.min();
    }

    /**
     * Learns from a batch that was committed.
     *
     * @param keys how many it took
     * @param took how long it lived
     */
    public void committed(long keys, Duration took) {
        if (keys * 2 < size) {
            return; // the rest of a slice says little of a full batch
        }
        double seconds = Math.max(took.toNanos(), 1000) / 1e9;
        double target = limits.target().toNanos() / 1e9;
        if (seconds > 2 * target) {
            forget();
        }
        weightedRates = weightedRates * DECAY + keys / seconds;
        weights = weights * DECAY + 1;
        double wanted = weightedRates / weights * target;
        double most = size * (seconds < target / 4 ? FAST_GROWTH : GROWTH);
        size = within(Math.min(wanted, most));
        if (wanted > most) {
            forget(); // what a batch costs besides its keys makes a small one look slow
        }
    }

    /** Halves the next batch: a lock was not given, a statement took too long, or somebody waits. */
    public void halve() {
        size = within(size / 2.0);
        forget();
    }

    private void forget() {
        weightedRates = 0;
        weights = 0;
    }

    private int within(double keys) {
        return (int) Math.max(limits.min(), Math.min(limits.max(), Math.round(keys)));
    }
}
