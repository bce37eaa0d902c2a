package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;

/**
 * Where a worker works.
 *
 * @param number which of the workers of the run in this process it is, from 1
 * @param keeper keeps its slice
 * @param crowd its fellows
 * @param stop ends the crew's work
 */
record Place(int number, Keeper keeper, Crowd crowd, Stop stop) {

    /** How often a worker that waits shows that it is alive. */
    private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(1);

    private static final Duration LONG_DEBT = Duration.ofSeconds(5);

    /** The worker has committed a batch. */
    void committed(long rows) {
        crowd.committed(number, rows);
    }

    /** Whether the run has one worker too many, and it is this one or the one that has this slice. */
    boolean isTooMany(Slice slice) {
        return crowd.isTooMany(slice) || crowd.isSpare(number);
    }

    /** Waits, and keeps the slice; ends early when work is asked to stop. */
    void keep(Slice slice, Duration wait, Patience patience, Timing timing) {
        long begun = timing.nanos();
        for (Duration left = wait; !left.isZero() && !left.isNegative(); left = wait.minus(timing.since(begun))) {
            keeper.sign(slice);
            if (patience.sleep(step(left))) {
                return;
            }
        }
    }

    /** Rests, and keeps the slice, whoever waits for a worker: the pace is for all; ends early when work is asked to stop. */
    void rest(Slice slice, Duration rest) {
        Duration left = rest;
        while (left.compareTo(Duration.ZERO) > 0 && !stop.sleep(step(left))) {
            keeper.sign(slice);
            left = left.minus(SIGN_OF_LIFE);
        }
    }

    /** Waits until the run owes nothing, and keeps the slice; false when the slice is better given back. */
    boolean workOff(Slice slice, Limits limits) {
        Duration owed = limits.ceiling().owed();
        while (!owed.isZero()) {
            boolean isLong = owed.compareTo(LONG_DEBT) > 0 || limits.hands().areWanted();
            if (isLong || stop.sleep(step(owed))) {
                return false;
            }
            keeper.sign(slice);
            owed = limits.ceiling().owed();
        }
        return true;
    }

    private static Duration step(Duration left) {
        return left.compareTo(SIGN_OF_LIFE) < 0 ? left : SIGN_OF_LIFE;
    }
}
