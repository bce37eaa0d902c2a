package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;

/** Keeps one thread's work at the pace that the throttle sets, and says when and why it stands still. One thread. */
final class Pacer {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration LONGEST_REST = Duration.ofSeconds(5);

    private final String run;
    private final Throttle throttle;
    private final RunListener listener;
    private final Timing timing;
    private Optional<Hold> held = Optional.empty();
    private String detail = "";

    Pacer(RunContext context) {
        this.run = context.run();
        this.throttle = context.limits().throttle();
        this.listener = context.around().listener();
        this.timing = context.around().timing();
    }

    /** Whether the run may move now; when not, says why. */
    boolean mayMove() {
        Pace pace = throttle.pace();
        if (!pace.isHold()) {
            release();
            return true;
        }
        pace.reason().ifPresent(this::hold);
        return false;
    }

    /** Waits until the run may move; false when it may not yet, after so long or because work was asked to stop. */
    boolean await(Stop stop, Duration atMost) {
        long start = timing.nanos();
        while (!mayMove()) {
            if (timing.since(start).compareTo(atMost) >= 0 || stop.sleep(POLL)) {
                return false;
            }
        }
        return true;
    }

    /** Rests after a batch of this length, as long as the pace wants. */
    void rest(Stop stop, Duration batch) {
        double ratio = throttle.pace().ratio();
        if (ratio > 0 && ratio < 1) {
            Duration rest = Duration.ofNanos((long) (batch.toNanos() * (1 / ratio - 1)));
            stop.sleep(rest.compareTo(LONGEST_REST) < 0 ? rest : LONGEST_REST);
        }
    }

    /** Says that the hold is over, if there is one. */
    void release() {
        if (held.isPresent()) {
            listener.released(run, held.get());
            held = Optional.empty();
            detail = "";
        }
    }

    private void hold(Pace.Reason reason) {
        Hold hold = new Hold(reason.word(), reason.next());
        if (!held.equals(Optional.of(hold))) {
            release();
        }
        if (held.isEmpty() || !detail.equals(reason.detail())) {
            held = Optional.of(hold);
            detail = reason.detail();
            listener.held(run, hold, detail);
        }
    }
}
