package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.replication.SignalGovernor.Sight;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import dev.backfill.orchestrator.wal.OwnWal;
import java.time.Duration;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * Keeps the backlog of the standbys short. While they are seen often it is a gate that opens and closes. While they are seen
 * once a second or less, a gate would open and close too late: then runs may write at the rate that the standbys can take,
 * and where only their lag is known, they go at the pace that keeps it. Safe for use by several threads.
 */
final class DrainGovernor implements Governor {

    private static final Duration LATELY = Duration.ofSeconds(2);
    private static final Duration GAP = Duration.ofMinutes(1);
    private static final double MEGABYTE = 1e6;

    private final SignalGovernor gate;
    private final Sight sight;
    private final OwnWal own;
    private final double budget;
    private WalRate rate;
    private LagRate lag;
    private Optional<Standing> judged = Optional.empty();
    private double pace = 1;

    /** Over what is watched, by a gate over the same. */
    DrainGovernor(ReplicationLimits limits, Sight sight, OwnWal own) {
        this.gate = new SignalGovernor(Signal.REPLICATION_DRAIN, limits, sight);
        this.sight = sight;
        this.own = own;
        this.budget = seconds(limits.budget());
        this.rate = new WalRate(Readings.DRAIN_PART * budget, budget);
        this.lag = new LagRate(Readings.DRAIN_PART * budget, budget);
    }

    @Override
    public String name() {
        return gate.name();
    }

    @Override
    public synchronized Pace pace() {
        Pace gated = gate.pace();
        return sight.standing()
                .filter(seen -> SignalGovernor.counts(sight.age(seen)))
                .filter(Standing::isSeldom)
                .map(this::ofSeldomSeen)
                .orElse(gated);
    }

    private Pace ofSeldomSeen(Standing seen) {
        if (seen.keepingUp().stream().anyMatch(standby -> standby.speed().isPresent())) {
            own.want();
        }
        Optional<KeepingUp> furthest = seen.keepingUp().stream()
                .filter(standby -> standby.speed().isEmpty())
                .max(Comparator.comparing(KeepingUp::lag));
        double written = own.total();
        if (!judged.equals(Optional.of(seen))) {
            forgetWhatIsOld(seen);
            judged = Optional.of(seen);
            double then = own.total(seen.at());
            double lately = (then - own.total(seen.at() - LATELY.toNanos())) / LATELY.toSeconds();
            double age = seconds(sight.age(seen));
            rate.seen(seen, sight.now(), new WalRate.Own(then, written, lately));
            double now = sight.now() / 1e9;
            pace = furthest.map(standby -> lag.seen(now - age, seconds(standby.lag()), now))
                    .orElse(1.0);
        }
        if (rate.isUsedUp(sight.now(), written)) {
            return Pace.hold(reason(String.format(
                    Locale.ROOT,
                    "the standbys can take %.1f MB of WAL a second from the runs, which is used up",
                    rate.bytesPerSecond() / MEGABYTE)));
        }
        return furthest.filter(standby -> pace < 1)
                .map(standby -> new Pace(pace, Optional.of(reason(behind(standby)))))
                .orElse(Pace.FULL);
    }

    /** What was learned long ago, or over another connection, may be of other standbys. */
    private void forgetWhatIsOld(Standing seen) {
        if (judged.filter(last -> seen.at() - last.at() < GAP.toNanos()
                        && seen.primary().since() == last.primary().since())
                .isEmpty()) {
            rate = new WalRate(Readings.DRAIN_PART * budget, budget);
            lag = new LagRate(Readings.DRAIN_PART * budget, budget);
        }
    }

    private static String behind(KeepingUp standby) {
        return String.format(Locale.ROOT, "standby %s is %.1f s behind", standby.name(), seconds(standby.lag()));
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    private Reason reason(String detail) {
        return new Reason(name(), detail, "the run goes on by itself at what the standbys can take");
    }
}
