package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * How fast and how patiently a job is run.
 *
 * @param parallelism workers on the table at once, over all processes, at least 1
 * @param batch the bounds of a batch
 * @param errors what is tried before the run stops
 * @param timeZone the session's time zone as PostgreSQL would read it; empty for the database's setting
 * @param schedule when runs begin and move
 */
public record Execution(
        int parallelism, BatchLimits batch, ErrorLimits errors, Optional<String> timeZone, Schedule schedule) {

    /** The most workers that one job may have. */
    public static final int MAX_PARALLELISM = 64;

    /**
     * Checks the bounds.
     *
     * @throws IllegalArgumentException when parallelism is out of {@code [1, 64]}
     */
    public Execution {
        if (parallelism < 1 || parallelism > MAX_PARALLELISM) {
            throw new IllegalArgumentException("parallelism must be between 1 and " + MAX_PARALLELISM);
        }
        requireNonNull(batch, "batch");
        requireNonNull(errors, "errors");
        requireNonNull(timeZone, "timeZone");
        requireNonNull(schedule, "schedule");
    }
}
