package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;

/**
 * Where a worker works.
 *
 * @param keeper keeps its slice
 * @param crowd its fellows
 * @param stop ends the crew's work
 */
record Place(Keeper keeper, Crowd crowd, Stop stop) {

    /** How often a worker that waits shows that it is alive. */
    static final Duration SIGN_OF_LIFE = Duration.ofSeconds(1);

    /** Waits, and keeps the slice; ends early when work is asked to stop. */
    void keep(Slice slice, Duration wait, Patience patience, Timing timing) {
        long begun = timing.nanos();
        for (Duration left = wait; !left.isZero() && !left.isNegative(); left = wait.minus(timing.since(begun))) {
            keeper.sign(slice);
            if (patience.sleep(left.compareTo(SIGN_OF_LIFE) < 0 ? left : SIGN_OF_LIFE)) {
                return;
            }
        }
    }
}
