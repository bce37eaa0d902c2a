package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * When runs of a job begin, and when they may move. An immutable value.
 *
 * @param start what begins a run
 * @param windows the times of day in which a run moves; empty for always
 * @param zone the time zone of the windows and of a cron expression
 * @param pauseAfter the part of the range, above 0 and at most 1, after which a run pauses itself once and waits to be
 *     resumed; empty for never
 * @param dependsOn names of jobs whose latest run in the same database must have succeeded before a run begins
 */
public record Schedule(
        Start start, List<Window> windows, ZoneId zone, Optional<BigDecimal> pauseAfter, List<String> dependsOn) {

    /** What begins a run. */
    public sealed interface Start {}

    /** Registering the job begins its one run. */
    public record OnApply() implements Start {}

    /** Only a person begins a run. */
    public record Manual() implements Start {}

    /**
     * A run begins once, at an instant.
     *
     * @param instant when
     */
    public record At(Instant instant) implements Start {
        /** Checks that there is an instant. */
        public At {
            requireNonNull(instant, "instant");
        }
    }

    /**
     * A run begins at each time that an expression names.
     *
     * @param expression a cron expression with seconds, as Quartz reads it, such as {@code 0 0 1 * * ?}
     */
    public record Cron(String expression) implements Start {
        /** Checks that there is an expression. */
        public Cron {
            requireNonNull(expression, "expression");
        }
    }

    /**
     * A time of day in which a run moves.
     *
     * @param days the days on which the window opens; it may close on the next day
     * @param from when it opens, inclusive
     * @param to when it closes, exclusive; at or before {@code from}: on the next day
     */
    public record Window(Set<DayOfWeek> days, LocalTime from, LocalTime to) {
        /**
         * Copies the days, in the order of the week.
         *
         * @throws IllegalArgumentException when there is no day
         */
        public Window {
            requireNonNull(from, "from");
            requireNonNull(to, "to");
            if (days.isEmpty()) {
                throw new IllegalArgumentException("a window needs at least one day");
            }
            days = Collections.unmodifiableSet(EnumSet.copyOf(days));
        }
    }

    /**
     * Checks the part, cuts its trailing zeros, and copies the lists.
     *
     * @throws IllegalArgumentException when {@code pauseAfter} is not above 0 and at most 1
     */
    public Schedule {
        requireNonNull(start, "start");
        windows = List.copyOf(windows);
        requireNonNull(zone, "zone");
        dependsOn = List.copyOf(dependsOn);
        pauseAfter = pauseAfter.map(BigDecimal::stripTrailingZeros);
        if (pauseAfter
                .filter(part -> part.signum() <= 0 || part.compareTo(BigDecimal.ONE) > 0)
                .isPresent()) {
            throw new IllegalArgumentException("schedule.pause-after must be above 0% and at most 100%");
        }
    }
}
