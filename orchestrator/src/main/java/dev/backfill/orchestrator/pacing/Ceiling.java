package dev.backfill.orchestrator.pacing;

import dev.backfill.api.Pacing.Ceilings;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.OwnWal;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * Keeps the workers of a run in this process below what the run may do in a second. Each process has the part of its workers
 * among all workers of the run. What a batch did is owed, and worked off by waiting. Safe for use by several threads.
 */
public final class Ceiling {

    /** What may be saved up for a batch that comes late. */
    private static final double SAVED_SECONDS = 1;

    private static final double BATCH_SECONDS = 1;
    private static final double MOST_SECONDS = 86_400;

    /** What is owed of one quantity; below zero when some was saved up. */
    private static final class Debt {
        private double owed;

        void pass(double seconds, OptionalLong limit, double part) {
            double rate = limit.orElse(0) * part;
            owed = limit.isEmpty() ? 0 : Math.max(owed - seconds * rate, -SAVED_SECONDS * rate);
        }

        double seconds(OptionalLong limit, double part) {
            return limit.isEmpty() ? 0 : owed / (limit.getAsLong() * part);
        }
    }

    private final Timing timing;
    private final Debt rows = new Debt();
    private final Debt wal = new Debt();
    private Ceilings limits = Ceilings.NONE;
    private double part = 1;
    private int workers = 1;
    private long at;
    private final OwnWal own;
    private final Written.Sum written = new Written.Sum();
    private double walOfKey;

    /**
     * For one run in this process; there is none yet.
     *
     * @param timing how time passes
     * @param own hears of all that batches write
     */
    public Ceiling(Timing timing, OwnWal own) {
        this.timing = timing;
        this.own = own;
        this.at = timing.nanos();
    }

    /**
     * Takes what the run may do now.
     *
     * @param now for the whole run
     */
    public synchronized void limit(Ceilings now) {
        pass();
        limits = now;
    }

    /**
     * Takes who else works on the run.
     *
     * @param mine workers of this process, at least 1
     * @param all workers of all processes, at least as many
     */
    public synchronized void share(int mine, int all) {
        pass();
        workers = mine;
        part = (double) mine / all;
    }

    /**
     * Whether the server has to be asked how much WAL a batch writes.
     *
     * @return true while there is a ceiling for it, or somebody else wants to know
     */
    public synchronized boolean isOfWal() {
        return limits.wal().isPresent() || own.isWanted();
    }

    /**
     * Whether there is a ceiling for WAL, so that no batch may go unmeasured.
     *
     * @return true when there is one
     */
    public synchronized boolean isForWal() {
        return limits.wal().isPresent();
    }

    /**
     * How many keys a batch may take: what a worker may do in a second.
     *
     * @param size how many it would take
     * @param least what WAL, of which others may have written the most, does not cut any smaller
     * @return at least 1
     */
    public synchronized int cut(int size, int least) {
        double most = size;
        double second = part / workers * BATCH_SECONDS;
        if (limits.wal().isPresent()) {
            double keys = walOfKey > 0 ? limits.wal().getAsLong() * second / walOfKey : least;
            most = Math.min(most, Math.max(least, keys));
        }
        if (limits.rows().isPresent()) {
            most = Math.min(most, limits.rows().getAsLong() * second);
        }
        return (int) Math.max(1, most);
    }

    /**
     * A batch begins: others owe what it will go over.
     *
     * @param keys how many it should take
     * @return the WAL that it is thought to write, in bytes
     */
    public synchronized double begin(long keys) {
        pass();
        double bytes = keys * walOfKey;
        rows.owed += keys;
        wal.owed += bytes;
        return bytes;
    }

    /**
     * A batch has ended.
     *
     * @param keys how many it should have taken
     * @param went how many it has gone over; none when it was rolled back
     * @param bytes the WAL that it was thought to write
     */
    public synchronized void end(long keys, long went, double bytes) {
        pass();
        rows.owed += went - keys;
        wal.owed -= bytes;
    }

    /**
     * A batch has written WAL.
     *
     * @param batch how much
     * @param keys how many it has gone over; none when it was rolled back
     */
    public synchronized void wrote(Written batch, long keys) {
        pass();
        wal.owed += written.add(batch);
        own.wrote(batch);
        if (keys > 0 && batch.bytes() > 0) {
            walOfKey = (double) batch.bytes() / keys;
        }
    }

    /**
     * How long to wait until nothing is owed.
     *
     * @return zero when the next batch may begin
     */
    public synchronized Duration owed() {
        pass();
        double seconds = Math.max(rows.seconds(limits.rows(), part), wal.seconds(limits.wal(), part));
        return seconds <= 0 ? Duration.ZERO : Duration.ofNanos((long) (Math.min(seconds, MOST_SECONDS) * 1e9));
    }

    private void pass() {
        long now = timing.nanos();
        double seconds = (now - at) / 1e9;
        at = now;
        rows.pass(seconds, limits.rows(), part);
        wal.pass(seconds, limits.wal(), part);
    }
}
