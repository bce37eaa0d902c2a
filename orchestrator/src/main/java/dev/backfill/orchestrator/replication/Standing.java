package dev.backfill.orchestrator.replication;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How the standbys stood at one probe.
 *
 * @param at when, by the monotonic clock
 * @param keepingUp each connection that streams
 * @param missing the expected standbys that are not connected, or not long enough again
 */
public record Standing(long at, List<KeepingUp> keepingUp, List<StandbyName> missing) {

    /**
     * How one connection keeps up.
     *
     * @param name what it is known by
     * @param backlog what it has left to apply, in bytes
     * @param lag how far it is behind
     * @param drain how long it would need for its backlog; empty while its speed is not known
     * @param replyAge how old its last reply is; empty before the first
     */
    public record KeepingUp(
            StandbyName name, long backlog, Duration lag, Optional<Duration> drain, Optional<Duration> replyAge) {}

    /** Copies the lists. */
    public Standing {
        keepingUp = List.copyOf(keepingUp);
        missing = List.copyOf(missing);
    }
}
