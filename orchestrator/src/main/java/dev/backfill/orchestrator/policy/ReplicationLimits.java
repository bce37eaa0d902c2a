package dev.backfill.orchestrator.policy;

import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What is watched of a database's standbys, and what is allowed.
 *
 * @param on the signals that are watched
 * @param budget how far a standby may be behind
 * @param staleReply how old its last reply may be
 * @param expected the standbys that have to be there, by their application_name; empty for those that were seen
 */
public record ReplicationLimits(Set<Watched> on, Duration budget, Duration staleReply, List<String> expected) {

    /** The signals, in the order of the configuration. */
    public enum Watched {
        /** {@code replication-drain}. */
        DRAIN,
        /** {@code replication-lag}. */
        LAG,
        /** {@code standby-missing}. */
        MISSING,
        /** {@code standby-stale}. */
        STALE
    }

    /** Copies the collections. */
    public ReplicationLimits {
        on = on.isEmpty() ? Set.of() : Set.copyOf(EnumSet.copyOf(on));
        expected = List.copyOf(expected);
    }

    /**
     * Whether anything is watched.
     *
     * @return true when a signal is on
     */
    public boolean isWatching() {
        return !on.isEmpty();
    }
}
