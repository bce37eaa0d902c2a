package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.OptionalLong;

/**
 * How fast a run may go: what an operator may change while it is under way.
 *
 * @param parallelism workers on the table at once, over all processes, at least 1
 * @param weight the run's share of the pace beside other runs of the database, at least 1
 * @param batch the bounds of a batch
 * @param ceilings what the whole run may do in a second
 * @param throttle what is said otherwise than by the database's configuration, by the words of signals
 */
public record Pacing(
        int parallelism, int weight, BatchLimits batch, Ceilings ceilings, Map<String, SignalRule> throttle) {

    /** The most workers that one job may have. */
    public static final int MAX_PARALLELISM = 64;

    /** The largest weight. */
    public static final int MAX_WEIGHT = 1_000;

    /**
     * Checks the bounds and copies the map.
     *
     * @throws IllegalArgumentException when parallelism is out of {@code [1, 64]} or weight out of {@code [1, 1000]}
     */
    public Pacing {
        if (parallelism < 1 || parallelism > MAX_PARALLELISM) {
            throw new IllegalArgumentException("parallelism must be between 1 and " + MAX_PARALLELISM);
        }
        if (weight < 1 || weight > MAX_WEIGHT) {
            throw new IllegalArgumentException("weight must be between 1 and " + MAX_WEIGHT);
        }
        requireNonNull(batch, "batch");
        requireNonNull(ceilings, "ceilings");
        throttle = Map.copyOf(throttle);
    }

    /**
     * What a whole run may do in a second, over all processes.
     *
     * @param rows keys scanned, at least 1; empty for as many as it can
     * @param wal bytes of WAL, at least 1; empty for as many as it can
     */
    public record Ceilings(OptionalLong rows, OptionalLong wal) {

        /** As fast as it can. */
        public static final Ceilings NONE = new Ceilings(OptionalLong.empty(), OptionalLong.empty());

        /**
         * Checks that what is there is at least 1.
         *
         * @throws IllegalArgumentException when it is not
         */
        public Ceilings {
            if (rows.orElse(1) < 1 || wal.orElse(1) < 1) {
                throw new IllegalArgumentException("a ceiling is at least 1");
            }
        }

        /**
         * Whether there is none.
         *
         * @return true when the run may go as fast as it can
         */
        public boolean isEmpty() {
            return rows.isEmpty() && wal.isEmpty();
        }
    }

    /**
     * What a job says of one signal of its database.
     *
     * @param on whether it counts for the job's runs
     * @param limits what differs from the database's limits, as it was written, such as {@code hold} and {@code 30%}; empty for
     *     the database's own
     */
    public record SignalRule(boolean on, Map<String, String> limits) {

        /** Copies the map. */
        public SignalRule {
            limits = Map.copyOf(limits);
        }
    }
}
