package dev.backfill.orchestrator.throttle;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A signal that is on, as it was read last.
 *
 * @param signal its word, such as {@code replication-lag}
 * @param age how long ago that was; empty before the first time
 * @param up whether it still counts; while it does not, everything holds
 * @param readings by source
 */
public record SignalState(String signal, Optional<Duration> age, boolean up, List<SignalReading> readings) {

    /** Copies the list. */
    public SignalState {
        readings = List.copyOf(readings);
    }
}
