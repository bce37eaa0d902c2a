package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import java.util.Optional;

/** What is watched of the standbys, by the words of configuration, messages and metrics. */
public enum Signal {
    /** How long a standby would need to work off its backlog, were nothing written from now on; in seconds. */
    REPLICATION_DRAIN("replication-drain"),
    /** How far a standby's replay is behind; in seconds. */
    REPLICATION_LAG("replication-lag"),
    /** How many expected standbys are not connected. */
    STANDBY_MISSING("standby-missing"),
    /** How old a standby's last reply is; in seconds. */
    STANDBY_STALE("standby-stale");

    private final String word;

    Signal(String word) {
        this.word = word;
    }

    /**
     * The word in configuration, messages and metrics.
     *
     * @return such as {@code replication-lag}
     */
    public String word() {
        return word;
    }

    /**
     * Whether it is watched.
     *
     * @param limits what the configuration says
     * @return true unless it is off
     */
    public boolean isOn(ReplicationLimits limits) {
        return limits.on()
                .contains(
                        switch (this) {
                            case REPLICATION_DRAIN -> Watched.DRAIN;
                            case REPLICATION_LAG -> Watched.LAG;
                            case STANDBY_MISSING -> Watched.MISSING;
                            case STANDBY_STALE -> Watched.STALE;
                        });
    }

    /**
     * Reads a word.
     *
     * @param word such as {@code replication-lag}
     * @return the signal; empty when there is none of that word
     */
    public static Optional<Signal> of(String word) {
        for (Signal signal : values()) {
            if (signal.word.equals(word)) {
                return Optional.of(signal);
            }
        }
        return Optional.empty();
    }
}
