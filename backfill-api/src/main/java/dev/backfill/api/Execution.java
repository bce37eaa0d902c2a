package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * How fast and how patiently a job is run.
 *
 * @param pacing how fast: what an operator may change while a run is under way
 * @param errors what is tried before the run stops
 * @param timeZone the session's time zone as PostgreSQL would read it; empty for the database's setting
 * @param schedule when runs begin and move
 */
public record Execution(Pacing pacing, ErrorLimits errors, Optional<String> timeZone, Schedule schedule) {

    /** Checks that no part is missing. */
    public Execution {
        requireNonNull(pacing, "pacing");
        requireNonNull(errors, "errors");
        requireNonNull(timeZone, "timeZone");
        requireNonNull(schedule, "schedule");
    }

    /**
     * Workers on the table at once, over all processes.
     *
     * @return at least 1
     */
    public int parallelism() {
        return pacing.parallelism();
    }

    /**
     * The bounds of a batch.
     *
     * @return those of the pacing
     */
    public BatchLimits batch() {
        return pacing.batch();
    }
}
