package dev.backfill.orchestrator.policy;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a run gives way to.
 *
 * @param standbys what is watched of the standbys, and what is allowed
 * @param levels the limits of the other signals that count, by their words, in the order in which they are shown
 */
public record Policy(ReplicationLimits standbys, Map<String, Level> levels) {

    /** Copies the map, in its order. */
    public Policy {
        levels = Collections.unmodifiableMap(new LinkedHashMap<>(levels));
    }
}
