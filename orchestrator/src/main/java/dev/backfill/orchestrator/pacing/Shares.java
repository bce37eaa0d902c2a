package dev.backfill.orchestrator.pacing;

import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * How the runs of a database share what there is in this process, by weight. While there is enough for all, each goes as fast
 * as it can. Each process shares alike, and knows the heaviest of the runs that only others work. Safe for use by several
 * threads.
 */
public final class Shares {

    /** What it is called, and the reason that it gives. */
    public static final String NAME = "weight";

    private static final Duration RECENTLY = Duration.ofSeconds(10);
    private static final Duration SCARCE = Duration.ofSeconds(3);

    private final Timing timing;
    private final BooleanSupplier scarce;
    private final Set<Share> all = ConcurrentHashMap.newKeySet();
    private volatile Optional<Long> wasScarce = Optional.empty();
    private volatile Elsewhere elsewhere = new Elsewhere(0, Optional.empty());

    /** The heaviest that moves in other processes, and when that was seen. */
    private record Elsewhere(double weight, Optional<Long> at) {}

    /**
     * Of a database in this process.
     *
     * @param timing how time passes
     * @param scarce whether there is less than the runs could use right now; asked before batches, answers from memory
     */
    public Shares(Timing timing, BooleanSupplier scarce) {
        this.timing = timing;
        this.scarce = scarce;
    }

    /** The share of one run, to be closed when it has come to its end. Safe for use by several threads. */
    public final class Share implements Governor, AutoCloseable {

        private volatile double weight;
        private volatile Optional<Long> moved = Optional.empty();

        private Share(double weight) {
            this.weight = weight;
        }

        /**
         * Takes another weight.
         *
         * @param run of the whole run
         * @param workers so many share it
         */
        public void weigh(int run, int workers) {
            weight = (double) run / workers;
        }

        /**
         * Whether there has been less lately than the runs could use, so that weights matter.
         *
         * @return from the last {@link #pace}
         */
        public boolean isOfLittle() {
            return isWithin(SCARCE, wasScarce);
        }

        /**
         * What other processes work.
         *
         * @param heaviest the weight a worker of the heaviest of their runs; empty when they work none
         */
        public void elsewhere(Optional<Double> heaviest) {
            elsewhere = new Elsewhere(heaviest.orElse(0.0), Optional.of(timing.nanos()));
        }

        /** A batch was made: until further notice the run counts for the others. */
        public void moved() {
            moved = Optional.of(timing.nanos());
        }

        /**
         * What the run weighs beside the heaviest of those that move.
         *
         * @return above 0, at most 1
         */
        public double part() {
            Elsewhere others = elsewhere;
            double most = Math.max(
                    all.stream()
                            .filter(share -> isWithin(RECENTLY, share.moved))
                            .mapToDouble(share -> share.weight)
                            .max()
                            .orElse(weight),
                    isWithin(RECENTLY, others.at()) ? others.weight() : 0);
            return most <= weight ? 1 : weight / most;
        }

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public Pace pace() {
            if (scarce.getAsBoolean()) {
                wasScarce = Optional.of(timing.nanos());
            }
            double part = part();
            return isOfLittle() && part < 1
                    ? new Pace(
                            part,
                            Optional.of(new Reason(
                                    NAME,
                                    "other runs of the database weigh more",
                                    "it goes faster once there is enough for all")))
                    : Pace.FULL;
        }

        @Override
        public void close() {
            all.remove(this);
        }
    }

    /**
     * A run begins to move.
     *
     * @param run its weight
     * @param workers so many share it
     * @return its share
     */
    public Share begin(int run, int workers) {
        Share share = new Share((double) run / workers);
        all.add(share);
        return share;
    }

    private boolean isWithin(Duration past, Optional<Long> at) {
        return at.filter(then -> timing.since(then).compareTo(past) < 0).isPresent();
    }
}
