package dev.backfill.orchestrator.pacing;

import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * How the runs of a database share what there is in this process, by weight. While there is enough for all, each goes as fast
 * as it can. Each process shares alike, and looks at what the runs weigh that others work. Safe for use by several threads.
 */
public final class Shares {

    /** What it is called, and the reason that it gives. */
    public static final String NAME = "weight";

    private static final Duration RECENTLY = Duration.ofSeconds(10);
    private static final Duration OFTEN = Duration.ofSeconds(1);
    private static final Duration SCARCE = Duration.ofSeconds(3);

    private final Timing timing;
    private final BooleanSupplier scarce;
    private final Set<Share> all = ConcurrentHashMap.newKeySet();
    private volatile Optional<Long> wasScarce = Optional.empty();
    private volatile Seen seen = new Seen(Map.of(), Optional.empty());

    /** What each run weighs a worker, over all processes, and when that was seen. */
    private record Seen(Map<String, Double> weights, Optional<Long> at) {}

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

        private final String run;
        private volatile double weight = 1;
        private volatile Optional<Long> moved = Optional.empty();

        private Share(String run) {
            this.run = run;
        }

        /**
         * Takes another weight.
         *
         * @param all of the whole run
         * @param workers so many share it
         */
        public void weigh(int all, int workers) {
            weight = (double) all / workers;
        }

        /**
         * Whether it is time to look at what runs weigh: there has been less lately than they could use, and nobody here has
         * looked within a second.
         *
         * @return whether {@link #see} should be called
         */
        public boolean wantsToSee() {
            return isWithin(SCARCE, wasScarce) && !isWithin(OFTEN, seen.at());
        }

        /**
         * What the runs weigh that are worked now, for all shares of this process.
         *
         * @param weights a worker, over all processes, by the runs' ids
         */
        public void see(Map<String, Double> weights) {
            seen = new Seen(Map.copyOf(weights), Optional.of(timing.nanos()));
        }

        /** A batch was made: until further notice the run counts for the others. */
        public void moved() {
            moved = Optional.of(timing.nanos());
        }

        /**
         * What the run weighs beside the heaviest of those that move in this process.
         *
         * @return above 0, at most 1
         */
        public double part() {
            return partOf(mostHere());
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
            double part = partOf(Math.max(mostHere(), mostAnywhere()));
            return isWithin(SCARCE, wasScarce) && part < 1
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

        /** As all processes together see it, where that was looked at. */
        private double weight() {
            Seen now = seen;
            return isWithin(RECENTLY, now.at()) ? now.weights().getOrDefault(run, weight) : weight;
        }

        private double partOf(double most) {
            double mine = weight();
            return most <= mine ? 1 : mine / most;
        }

        private double mostHere() {
            return all.stream()
                    .filter(share -> isWithin(RECENTLY, share.moved))
                    .mapToDouble(Share::weight)
                    .max()
                    .orElse(0);
        }
    }

    /**
     * A run begins to move.
     *
     * @param run its id
     * @return its share, of weight 1 until it is told otherwise
     */
    public Share begin(String run) {
        Share share = new Share(run);
        all.add(share);
        return share;
    }

    private double mostAnywhere() {
        Seen now = seen;
        return isWithin(RECENTLY, now.at())
                ? now.weights().values().stream()
                        .mapToDouble(Double::doubleValue)
                        .max()
                        .orElse(0)
                : 0;
    }

    private boolean isWithin(Duration past, Optional<Long> at) {
        return at.filter(then -> timing.since(then).compareTo(past) < 0).isPresent();
    }
}
