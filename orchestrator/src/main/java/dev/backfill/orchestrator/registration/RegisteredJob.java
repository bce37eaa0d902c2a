package dev.backfill.orchestrator.registration;

import dev.backfill.api.Schedule;
import dev.backfill.orchestrator.registry.LoadedJob;
import java.time.Instant;
import java.util.Optional;

/**
 * A job as the daemons go by it.
 *
 * @param job what is to be done
 * @param revision the number of its revision, from 1
 * @param origin from where it came: {@code file} or {@code api}
 * @param since when this revision was registered, by the database's clock
 * @param plan what became of its planned starts
 */
public record RegisteredJob(LoadedJob job, int revision, String origin, Instant since, Plan plan) {

    /**
     * What became of planned starts.
     *
     * @param since since when the job has its present schedule; no start is planned before
     * @param handled the latest planned start that became a run or was skipped
     */
    public record Plan(Instant since, Optional<Instant> handled) {}

    /**
     * The job's name.
     *
     * @return unique in a database
     */
    public String name() {
        return job.definition().name();
    }

    /**
     * When its runs begin and move.
     *
     * @return the schedule of this revision
     */
    public Schedule schedule() {
        return job.definition().execution().schedule();
    }
}
