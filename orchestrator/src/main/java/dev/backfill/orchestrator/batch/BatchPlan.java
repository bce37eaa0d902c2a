package dev.backfill.orchestrator.batch;

import dev.backfill.api.BatchLimits;
import dev.backfill.orchestrator.batch.BatchRunner.Mode;
import dev.backfill.orchestrator.db.ErrorClass;
import java.time.Duration;

/**
 * How the next batch is tried: its size, its mode, and what comes after a failure. Pure: fed with outcomes.
 *
 * <p>A batch whose data cannot be processed, or that takes too long even when it is small, is halved down to the single
 * key. Not safe for use by several threads: each worker has its own.
 */
public final class BatchPlan {

    /** What comes after a failure. */
    public enum Next {
        /** The next attempt, at once. */
        AGAIN_NOW,
        /** The next attempt, after a while. */
        AGAIN_LATER,
        /** Other slices first; this one after a rest. */
        SET_ASIDE,
        /** The next key; the one that fails alone because of its data is passed over. */
        PASS_OVER,
        /** Nothing: a single key takes too long alone, or the statement is wrong. */
        STOP
    }

    private static final int MOST_HALVINGS = 31;

    private final int attempts;
    private final Duration brisk;
    private final BatchSizer sizer;
    private Mode mode = Mode.BRISK;
    private int failures;
    private int asked;
    private int bisected;
    private int suspicion;
    private int ceiling = Integer.MAX_VALUE;

    /**
     * Begins brisk, with the first size of the limits.
     *
     * @param limits the bounds of a batch
     * @param attempts how often one batch is tried before its slice is set aside
     * @param brisk how long the change of a brisk batch may take
     */
    public BatchPlan(BatchLimits limits, int attempts, Duration brisk) {
        this.attempts = attempts;
        this.brisk = brisk;
        this.sizer = new BatchSizer(limits);
    }

    /**
     * Takes other limits.
     *
     * @param now the bounds of a batch from now on
     * @param most what a batch may not go beyond for another reason; may be below the bounds
     * @param isBrief whether batches are as short as an application's transactions, whatever their target
     */
    public void limit(BatchLimits now, int most, boolean isBrief) {
        sizer.limit(now, isBrief);
        ceiling = most;
    }

    /**
     * The size of the next attempt.
     *
     * @return keys, at least 1
     */
    public int size() {
        int next = Math.min(ceiling, sizer.next());
        int wanted = bisected > 0 ? Math.min(bisected, next) : next;
        return suspicion == 0 ? wanted : Math.max(1, Math.min(wanted, suspected()));
    }

    /**
     * Learns how often the slice was taken from workers that were gone in mid-batch, less the batches committed since. A
     * batch that seems to take its workers with it is halved each time.
     *
     * @param times as often
     */
    public void taken(int times) {
        suspicion = Math.max(0, times - attempts + 1);
    }

    /**
     * Whether the next key, alone, has taken its worker with it.
     *
     * @return true when it is better passed over untried
     */
    public boolean isNextKeyDeadly() {
        return suspicion > 0 && suspected() == 0;
    }

    /**
     * Whether the slice was taken from workers so often that the next batch is the smaller for it.
     *
     * @return true until so many batches were committed
     */
    public boolean isSuspicious() {
        return suspicion > 0;
    }

    private int suspected() {
        return sizer.first() >> Math.min(suspicion, MOST_HALVINGS);
    }

    /**
     * The mode of the next attempt.
     *
     * @return brisk, unless a small batch needed more time
     */
    public Mode mode() {
        return mode;
    }

    /**
     * How often the present batch has failed in a row; when it was for the processor's wish, how often for that.
     *
     * @return 0 after a success
     */
    public int failures() {
        return asked > 0 ? asked : failures;
    }

    /**
     * Learns from a batch that was committed.
     *
     * @param keys how many it took
     * @param took how long it lived
     * @param changing how much of that the change of its rows took
     */
    public void committed(long keys, Duration took, Duration changing) {
        failures = 0;
        asked = 0;
        suspicion = Math.max(0, suspicion - 1);
        if (took.multipliedBy(2).compareTo(brisk) < 0) {
            mode = Mode.BRISK;
        }
        if (bisected > 0) {
            bisected = bisected * 2 >= Math.min(ceiling, sizer.next()) ? 0 : bisected * 2;
        } else {
            sizer.committed(keys, took, changing);
        }
    }

    /**
     * Learns from a batch that was rolled back.
     *
     * @param error why
     * @return what comes next
     */
    public Next failed(ErrorClass error) {
        failures++;
        asked = error == ErrorClass.AGAIN ? asked + 1 : 0;
        return switch (error) {
            case LOCK -> locked();
            case TIMEOUT -> timedOut();
            case DATA -> bisect(Next.PASS_OVER);
            case AGAIN -> asked < attempts ? Next.AGAIN_LATER : Next.STOP;
            case TOO_LARGE -> smaller();
            case PAUSE -> Next.STOP;
            case RESOURCES -> outgrown();
            case SESSION_LOST, DATABASE_DOWN, DENIED, DISK_FULL -> Next.AGAIN_LATER;
        };
    }

    /**
     * Learns that a batch was ended because others waited for it; the next one is half as large.
     *
     * @return whether it was as small as the limits want, so that a rest has to help too
     */
    public boolean gaveWay() {
        int ended = size();
        boolean smallest = ended <= sizer.min();
        if (bisected > 0 || smallest) {
            bisected = Math.max(1, ended / 2);
        } else {
            sizer.halve();
        }
        return smallest;
    }

    private Next locked() {
        sizer.halve();
        if (failures < attempts) {
            return Next.AGAIN_LATER;
        }
        failures = 0;
        return Next.SET_ASIDE;
    }

    /** Fewer keys may fit into the memory, the locks or the temporary files that there are; the fewest wait for more. */
    private Next outgrown() {
        if (sizer.isAtMin()) {
            return Next.AGAIN_LATER;
        }
        sizer.halve();
        return Next.AGAIN_NOW;
    }

    private Next smaller() {
        if (bisected > 0 || sizer.isAtMin()) {
            return bisect(Next.STOP);
        }
        sizer.halve();
        return Next.AGAIN_NOW;
    }

    private Next timedOut() {
        if (mode == Mode.PATIENT) {
            return bisect(Next.STOP);
        }
        if (bisected == 0 && !sizer.isAtMin()) {
            sizer.halve();
            return Next.AGAIN_LATER;
        }
        mode = Mode.PATIENT;
        return Next.AGAIN_NOW;
    }

    private Next bisect(Next alone) {
        if (size() == 1) {
            return alone;
        }
        bisected = size() / 2;
        return Next.AGAIN_NOW;
    }
}
