package dev.backfill.orchestrator.replication;

import java.time.Duration;
import java.util.Optional;

/**
 * A connection that streams WAL from the primary, as one probe saw it.
 *
 * @param name its application_name
 * @param address where it comes from; empty for a socket of the same machine
 * @param received how far it has written or flushed, in bytes of WAL; empty before its first report
 * @param replayed how far it has replayed, in bytes of WAL; empty for what never replays, such as pg_receivewal
 * @param replyAge how old its last reply is; empty before the first
 */
record Follower(
        String name,
        Optional<String> address,
        Optional<Long> received,
        Optional<Long> replayed,
        Optional<Duration> replyAge) {

    /** The name that it is known by over probes. */
    StandbyName identity() {
        return new StandbyName(name, address.orElse(""));
    }

    /** Whether it replays, as a standby does. */
    boolean isStandby() {
        return replayed.isPresent();
    }
}
