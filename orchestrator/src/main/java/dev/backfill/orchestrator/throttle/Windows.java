package dev.backfill.orchestrator.throttle;

import dev.backfill.api.Schedule.Window;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The times of day in which a run moves. Pure.
 *
 * <p>A local time that a change of the clocks leaves out is later by as much as was left out; of one that comes twice, the
 * first counts.
 *
 * @param windows none: always
 * @param zone in which their times are read
 */
public record Windows(List<Window> windows, ZoneId zone) {

    private static final int DAYS_AHEAD = 8;

    /**
     * One opening of a window.
     *
     * @param from inclusive
     * @param to exclusive; at or before {@code from} when a change of the clocks leaves nothing of it
     */
    private record Opening(Instant from, Instant to) {
        boolean holds(Instant instant) {
            return !instant.isBefore(from) && instant.isBefore(to);
        }

        boolean isEmpty() {
            return !from.isBefore(to);
        }
    }

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
        return windows.isEmpty() || openings(instant, 1).anyMatch(opening -> opening.holds(instant));
    }

    /**
     * When a run may move next.
     *
     * @param instant from when on
     * @return the instant itself when a window is open then; empty when none opens within a week and a day
     */
    public Optional<Instant> nextOpening(Instant instant) {
        if (isOpen(instant)) {
            return Optional.of(instant);
        }
        return openings(instant, DAYS_AHEAD)
                .filter(opening -> !opening.isEmpty())
                .map(Opening::from)
                .filter(from -> from.isAfter(instant))
                .min(Comparator.naturalOrder());
    }

    /** What opens from the day before on; an opening of the day after may be first when the clocks are set back at midnight. */
    private Stream<Opening> openings(Instant instant, int daysAhead) {
        LocalDate today = instant.atZone(zone).toLocalDate();
        return LongStream.rangeClosed(-1, daysAhead).mapToObj(today::plusDays).flatMap(this::openings);
    }

    private Stream<Opening> openings(LocalDate day) {
        return windows.stream()
                .filter(window -> window.days().contains(day.getDayOfWeek()))
                .map(window -> new Opening(
                        at(day, window.from()),
                        at(window.to().isAfter(window.from()) ? day : day.plusDays(1), window.to())));
    }

    private Instant at(LocalDate day, LocalTime time) {
        return ZonedDateTime.of(day, time, zone).toInstant();
    }
}
