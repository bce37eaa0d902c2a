package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.config.ReplicationLimits;
import dev.backfill.orchestrator.replication.Readings.Reading;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Holds while a signal of the standbys is over its limit, until it is well below, and while it cannot be read. Safe for use
 * by several threads.
 */
public final class SignalGovernor implements Governor {

    private static final Duration STALE_AFTER = Duration.ofSeconds(5);
    private static final long LEAST_HOLD = Duration.ofSeconds(1).toNanos();

    private final Signal signal;
    private final ReplicationLimits limits;
    private final ReplicationWatch watch;
    private boolean holding;
    private long since;

    /**
     * Over what is watched.
     *
     * @param signal which
     * @param limits what is allowed
     * @param watch what was seen last
     */
    public SignalGovernor(Signal signal, ReplicationLimits limits, ReplicationWatch watch) {
        this.signal = signal;
        this.limits = limits;
        this.watch = watch;
    }

    @Override
    public String name() {
        return signal.word();
    }

    @Override
    public synchronized Pace pace() {
        Optional<Standing> standing = watch.standing().filter(s -> watch.age(s).compareTo(STALE_AFTER) < 0);
        if (standing.isEmpty()) {
            hold();
            return Pace.hold(new Reason(
                    signal.word(),
                    "the standbys cannot be seen: " + watch.trouble().orElse("not looked for yet"),
                    "the run goes on by itself once they can"));
        }
        List<Reading> readings = Readings.of(signal, standing.get(), limits);
        Optional<Reading> worst = Readings.worst(readings);
        if (worst.isEmpty()) {
            holding = false;
            return Pace.FULL;
        }
        decide(readings);
        return holding ? Pace.hold(new Reason(signal.word(), worst.get().display(), next())) : Pace.FULL;
    }

    private void decide(List<Reading> readings) {
        if (readings.stream().anyMatch(Reading::isOver)) {
            hold();
        } else if (holding && readings.stream().allMatch(Reading::isWellBelow) && heldLongEnough()) {
            holding = false;
        }
    }

    /** The drain gate opens and closes as often as it needs to; the others would flutter. */
    private boolean heldLongEnough() {
        return signal == Signal.REPLICATION_DRAIN || watch.now() - since >= LEAST_HOLD;
    }

    private void hold() {
        if (!holding) {
            holding = true;
            since = watch.now();
        }
    }

    private String next() {
        return switch (signal) {
            case REPLICATION_DRAIN, REPLICATION_LAG -> "the run goes on by itself once the standby has caught up";
            case STANDBY_MISSING ->
                "bring it back; or forget it, when it is gone for good: DELETE /api/v1/databases/NAME/standbys/STANDBY";
            case STANDBY_STALE -> "look at the standby's receiver; the run goes on by itself once it replies";
        };
    }
}
