package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.policy.ReplicationLimits;
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

    /** What was seen last of the standbys. Safe for use by several threads. */
    public interface Sight {

        /**
         * What was seen last.
         *
         * @return empty before the first look that succeeded
         */
        Optional<Standing> standing();

        /**
         * Why nothing can be seen.
         *
         * @return empty while something can
         */
        Optional<String> trouble();

        /**
         * The time by which standings are dated.
         *
         * @return by the monotonic clock
         */
        long now();

        /**
         * How old a standing is.
         *
         * @param seen what was seen
         * @return never negative
         */
        default Duration age(Standing seen) {
            return Duration.ofNanos(Math.max(0, now() - seen.at()));
        }
    }

    private static final Duration STALE_AFTER = Duration.ofSeconds(5);
    private static final long LEAST_HOLD = Duration.ofSeconds(1).toNanos();

    private final Signal signal;
    private final ReplicationLimits limits;
    private final Sight sight;
    private Optional<String> why = Optional.empty();
    private boolean beginning;
    private long since;

    /**
     * Over what is watched.
     *
     * @param signal which
     * @param limits what is allowed
     * @param sight what was seen last
     */
    public SignalGovernor(Signal signal, ReplicationLimits limits, Sight sight) {
        this.signal = signal;
        this.limits = limits;
        this.sight = sight;
    }

    @Override
    public String name() {
        return signal.word();
    }

    @Override
    public synchronized Pace pace() {
        Optional<Standing> seen = sight.standing().filter(s -> counts(sight.age(s)));
        if (seen.isEmpty()) {
            return Pace.hold(blind());
        }
        boolean alone = seen.get().keepingUp().isEmpty() && seen.get().missing().isEmpty();
        if (beginning && alone) {
            why = Optional.empty(); // nothing has to be watched before it is known how it keeps up
        }
        decide(Readings.of(signal, seen.get(), limits, sight.age(seen.get())));
        return why.map(detail -> Pace.hold(new Reason(signal.word(), detail, next())))
                .orElse(Pace.FULL);
    }

    /** Whether what was seen so long ago still counts. */
    static boolean counts(Duration age) {
        return age.compareTo(STALE_AFTER) < 0;
    }

    private Reason blind() {
        Optional<String> trouble = sight.trouble();
        beginning = trouble.isEmpty() && (beginning || why.isEmpty());
        String blind = trouble.map(t -> "the standbys cannot be seen: " + t)
                .orElse("it is being looked whether there are standbys, and how they keep up");
        hold(blind);
        return new Reason(
                signal.word(),
                blind,
                trouble.isPresent() ? "the run goes on by itself once they can" : "that takes a moment");
    }

    private void decide(List<Reading> readings) {
        Optional<Reading> worst = Readings.worst(readings);
        if (worst.isPresent() && worst.get().isOver()) {
            hold(worst.get().display());
        } else if (why.isPresent()) {
            String now = worst.map(Reading::display).orElse("the standbys can be seen again");
            boolean well = readings.stream().allMatch(Reading::isWellBelow);
            if (well && heldLongEnough()) {
                why = Optional.empty();
            } else {
                why = Optional.of(
                        well && signal == Signal.REPLICATION_LAG ? now + "; it is watched for a second first" : now);
            }
        }
    }

    /** The drain gate opens and closes as often as it needs to; the others would flutter. */
    private boolean heldLongEnough() {
        return signal == Signal.REPLICATION_DRAIN || sight.now() - since >= LEAST_HOLD;
    }

    private void hold(String detail) {
        if (why.isEmpty()) {
            since = sight.now();
        }
        why = Optional.of(detail);
    }

    private String next() {
        return switch (signal) {
            case REPLICATION_DRAIN, REPLICATION_LAG -> "the run goes on by itself once the standby has caught up";
            case STANDBY_MISSING ->
                "bring it back; or forget it, when it is gone for good or has become the primary that the run is on:"
                        + " DELETE /api/v1/databases/NAME/standbys/STANDBY";
            case STANDBY_STALE -> "look at the standby's receiver; the run goes on by itself once it replies";
        };
    }
}
