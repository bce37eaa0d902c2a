package dev.backfill.orchestrator.pacing;

import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;

/** Keeps one thread's work at the pace that the throttle sets, and says when and why it stands still. One thread. */
public final class Pacer {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration LONGEST_REST = Duration.ofSeconds(5);

    private final String run;
    private final Steering steering;
    private final RunListener listener;
    private final Timing timing;
    private Optional<Hold> held = Optional.empty();
    private String detail = "";

    /**
     * For one thread.
     *
     * @param run the run's id
     * @param steering how the run goes
     * @param listener hears of holds
     * @param timing how time passes
     */
    public Pacer(String run, Steering steering, RunListener listener, Timing timing) {
        this.run = run;
        this.steering = steering;
        this.listener = listener;
        this.timing = timing;
    }

    /** Whether the run may move now; when not, says why. */
    public boolean mayMove() {
        Pace pace = steering.course().throttle().pace();
        if (!pace.isHold()) {
            release();
            return true;
        }
        pace.reason().ifPresent(this::hold);
        return false;
    }

    /**
     * Waits until the run may move.
     *
     * @param stop ends the wait
     * @param atMost how long
     * @return false when it may not yet, after so long or because work was asked to stop
     */
    public boolean await(Stop stop, Duration atMost) {
        long start = timing.nanos();
        while (!mayMove()) {
            if (timing.since(start).compareTo(atMost) >= 0 || stop.sleep(POLL)) {
                return false;
            }
        }
        return true;
    }

    /**
     * How long to rest after a batch.
     *
     * @param batch how long it took
     * @return as long as the pace wants; zero at full pace, and while the run is held
     */
    public Duration rest(Duration batch) {
        double ratio = steering.course().throttle().pace().ratio();
        if (ratio == 0 || ratio == 1) {
            return Duration.ZERO;
        }
        double wanted = batch.toNanos() * (1 / ratio - 1);
        return wanted < LONGEST_REST.toNanos() ? Duration.ofNanos((long) wanted) : LONGEST_REST;
    }

    /** Says that the hold is over, if there is one. */
    public void release() {
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
