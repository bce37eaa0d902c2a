package dev.backfill.orchestrator.batch;

import dev.backfill.api.BatchLimits;
import java.time.Duration;

/**
 * How many keys the next batch takes, so that it takes the time it should. Pure: fed with what batches took.
 *
 * <p>The rate in keys per second is a weighted average in which each older batch weighs three quarters of the next. A brief
 * batch goes by the change of its rows alone, which keeps a processor from others: it takes 0.3 ms, or a quarter of
 * what the batch takes besides, for else more would be spent on batches than on rows. What a change costs however few its
 * rows are, as a long batch shows, counts as besides; ten milliseconds are the most whatever it costs.
 *
 * <p>Not safe for use by several threads: each worker has its own.
 */
public final class BatchSizer {

    private static final double DECAY = 0.75;
    private static final double GROWTH = 1.5;
    private static final double FAST_GROWTH = 4;
    private static final double BRIEF = 0.0003;
    private static final double PART_OF_THE_REST = 0.25;
    private static final double LONGEST_BRIEF = 0.01;
    /** A price is paid by every batch; what one batch pays is a lock that it waited for. */
    private static final double DEARER = 1.2;

    private static final double DEARER_SECONDS = 0.00005;
    private static final double TINY = 1e-6;
    private static final int ENOUGH = 32;
    private static final int MUCH_LONGER = 8;

    private BatchLimits limits;
    private boolean isBrief;
    private int size;
    private double weightedRates;
    private double weights;
    private double briefRate;
    private double rest;
    private long longKeys;
    private double longChanging;
    private double price;

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
     * @param brief whether batches are brief from now on
     */
    public void limit(BatchLimits now, boolean brief) {
        if (brief && !isBrief && briefRate > 0) {
            size = within(Math.min(size, brief()));
        }
        isBrief = brief;
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
     * @param changing how much of that the change of its rows took
     */
    public void committed(long keys, Duration took, Duration changing) {
        double seconds = seconds(took);
        boolean isFull = keys * 2 >= size; // the rest of a slice says little of a full batch
        if (isFull || keys >= ENOUGH) {
            learn(keys, seconds, seconds(changing));
        }
        if (isBrief && briefRate > 0) {
            double most = Math.min(size * GROWTH, Math.max(1, keys) * LONGEST_BRIEF / seconds(changing));
            size = within(Math.min(brief(), most));
            forget();
        } else if (isFull) {
            grow(keys, seconds);
        }
    }

    private void learn(long keys, double seconds, double changing) {
        if (!isBrief || keys >= longKeys) {
            longKeys = keys;
            longChanging = changing;
        }
        price = Math.min(price(keys, changing), DEARER * price + DEARER_SECONDS);
        double rate = keys / Math.max(changing - price, TINY);
        double besides = Math.max(0, seconds - changing + price);
        briefRate = briefRate == 0 ? rate : DECAY * briefRate + (1 - DECAY) * rate;
        rest = rest == 0 ? besides : DECAY * rest + (1 - DECAY) * besides;
    }

    /** What a change costs besides its rows: what is left of a short one after what its keys took in a long one. */
    private double price(long keys, double changing) {
        if (longKeys < MUCH_LONGER * keys) {
            return 0;
        }
        double ofKey = (longChanging - changing) / (longKeys - keys);
        return Math.min(changing, Math.max(0, changing - ofKey * keys));
    }

    private double brief() {
        return briefRate * Math.max(BRIEF, PART_OF_THE_REST * rest);
    }

    private void grow(long keys, double seconds) {
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

    private static double seconds(Duration duration) {
        return Math.max(duration.toNanos(), 1000) / 1e9;
    }

    private void forget() {
        weightedRates = 0;
        weights = 0;
    }

    private int within(double keys) {
        return (int) Math.max(limits.min(), Math.min(limits.max(), Math.round(keys)));
    }
}
