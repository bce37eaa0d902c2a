package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.replication.Standing.KeepingUp;

/**
 * How much the runs of a process may write to the log, so that the slowest standby's backlog settles where it takes the
 * standby so long as it may. Not safe for use by several threads.
 *
 * <p>What a standby applies beyond what others write is for the runs; more than that while its backlog is shorter than it may
 * be, and less while it is longer. What was written since the standbys were seen counts already.
 */
final class WalRate {

    /** How fast a backlog is led to where it should be, in seconds. */
    private static final double SETTLING = 4;

    private static final double BURST_SECONDS = 0.5;
    private static final double FORGETTING = 0.3;
    private static final double OVER_BUDGET = 0.25;

    private final double target;
    private final double budget;
    private double rate = Double.MAX_VALUE;
    private double others;
    private double owed;
    private double counted;
    private long passed;

    /**
     * For some standbys.
     *
     * @param target how long they may need for their backlog, in seconds
     * @param budget how far they may be behind at most, in seconds
     */
    WalRate(double target, double budget) {
        this.target = target;
        this.budget = budget;
    }

    /**
     * What the runs of this process have written.
     *
     * @param then when the standbys were seen, in bytes since ever
     * @param now until now
     * @param lately of late before the standbys were seen, in bytes a second
     */
    record Own(double then, double now, double lately) {}

    /** The standbys were seen; it is now by the monotonic clock. What was written since counts in the rate; nothing else is owed. */
    void seen(Standing standing, long now, Own own) {
        owed = 0;
        counted = own.now();
        passed = now;
        double age = (now - standing.at()) / 1e9;
        double foreign = Math.max(0, standing.writing() - own.lately());
        others = Math.max(foreign, (1 - FORGETTING) * others + FORGETTING * foreign);
        rate = standing.keepingUp().stream()
                .filter(standby -> standby.speed().isPresent())
                .mapToDouble(standby -> allowed(standby, age, own.now() - own.then()))
                .min()
                .orElse(Double.MAX_VALUE);
    }

    private double allowed(KeepingUp standby, double age, double sent) {
        double speed = standby.speed().orElse(0);
        double spare = Math.max(0, speed - others);
        double backlog = Math.max(0, standby.backlog() + sent + (others - speed) * age);
        double wanted = speed - others + (target * speed - backlog) / SETTLING;
        boolean isOver = standby.lag().toNanos() / 1e9 > budget;
        return Math.max(0, isOver ? Math.min(wanted, OVER_BUDGET * spare) : wanted);
    }

    /**
     * Whether the runs have to wait, for what they may write is used up.
     *
     * @param now by the monotonic clock
     * @param written by the runs of this process until now, in bytes since ever
     */
    boolean isUsedUp(long now, double written) {
        owed = Math.max(owed + written - counted - rate * ((now - passed) / 1e9), -BURST_SECONDS * rate);
        passed = now;
        counted = written;
        return owed > 0 || rate == 0;
    }

    /** How much that is, in bytes a second. */
    double bytesPerSecond() {
        return rate;
    }
}
