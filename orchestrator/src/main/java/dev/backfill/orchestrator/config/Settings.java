package dev.backfill.orchestrator.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The whole configuration.
 *
 * @param lease how long a worker may keep a slice without a sign of life
 * @param databases the databases by name, in the order of their names; may be empty
 * @param plugins the directory of plugins
 * @param daemon what only the daemon needs to know
 */
public record Settings(Duration lease, Map<String, DatabaseSettings> databases, Path plugins, DaemonSettings daemon) {

    /** The shortest lease: the keeper renews every third of it. */
    public static final Duration SHORTEST_LEASE = Duration.ofSeconds(1);

    /** The longest lease: nobody waits longer for the slices of a process that hangs. */
    public static final Duration LONGEST_LEASE = Duration.ofDays(1);

    /**
     * Checks the lease and copies the databases.
     *
     * @throws IllegalArgumentException when the lease is shorter than a second or longer than a day
     */
    public Settings {
        if (lease.compareTo(SHORTEST_LEASE) < 0 || lease.compareTo(LONGEST_LEASE) > 0) {
            throw new IllegalArgumentException("lease must be from 1s to 1d");
        }
        databases = Collections.unmodifiableMap(new TreeMap<>(databases));
    }
}
