package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.standbys.StandbyName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How the standbys stood at one probe.
 *
 * @param at when, by the monotonic clock
 * @param primary who was asked
 * @param keepingUp each connection that streams
 * @param missing the expected standbys that are not connected, or not long enough again
 */
public record Standing(long at, Primary primary, List<KeepingUp> keepingUp, List<StandbyName> missing) {

    private static final Duration LONGEST = Duration.ofDays(1);

    /**
     * The server that is asked.
     *
     * @param since when the connection to it was looked at first, by the monotonic clock: behind another it may be another server
     * @param isSeldom whether standings come once a second or less, and late
     * @param writing how fast it wrote WAL of late, in bytes a second
     */
    public record Primary(long since, boolean isSeldom, double writing) {}

    /**
     * How one connection keeps up.
     *
     * @param name what it is known by
     * @param backlog what it has left to apply, in bytes
     * @param lag how far it is behind
     * @param speed how fast it can apply, in bytes a second; empty while that is not known
     * @param replyAge how old its last reply is; empty before the first
     */
    public record KeepingUp(
            StandbyName name, long backlog, Duration lag, OptionalDouble speed, Optional<Duration> replyAge) {

        /** How long it needs for its backlog and so many bytes more; the lag while its speed is not known. */
        Duration drain(double more) {
            if (speed.isEmpty()) {
                return lag;
            }
            double seconds = (backlog + more) / Math.max(speed.getAsDouble(), 1);
            return seconds >= LONGEST.toSeconds() ? LONGEST : Duration.ofNanos((long) (seconds * 1e9));
        }
    }

    /** Copies the lists. */
    public Standing {
        keepingUp = List.copyOf(keepingUp);
        missing = List.copyOf(missing);
    }

    /** Whether standings come once a second or less, and late. */
    boolean isSeldom() {
        return primary.isSeldom();
    }

    /** How fast the primary wrote WAL of late, in bytes a second. */
    double writing() {
        return primary.writing();
    }
}
