package dev.backfill.orchestrator.schedule;

import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;

/**
 * The times that a cron expression names. Pure.
 *
 * @param expression as Quartz reads it, with seconds
 * @param zone in which it is read
 */
public record CronTimes(String expression, ZoneId zone) {

    /**
     * Whether an expression can be used.
     *
     * @param expression a cron expression with seconds
     * @return what is wrong with it; empty when it names at least one time to come
     */
    public static Optional<String> problem(String expression) {
        return Optional.empty();
    }

    /**
     * The latest time at or before an instant.
     *
     * @param instant until when
     * @param after exclusive; nothing before is looked for
     * @return empty when the expression names no time in {@code (after, instant]}
     */
    public Optional<Instant> latest(Instant after, Instant instant) {
        return Optional.empty();
    }

    /**
     * Whether the expression names an instant.
     *
     * @param instant to the second
     * @return true when it does
     */
    public boolean names(Instant instant) {
        return false;
    }
}
