package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.registry.LoadedJob;
import java.time.Instant;

/**
 * A job as the daemons go by it.
 *
 * @param job what is to be done
 * @param revision the number of its revision, from 1
 * @param origin from where it came: {@code file} or {@code api}
 * @param since when this revision was registered, by the database's clock
 */
public record RegisteredJob(LoadedJob job, int revision, String origin, Instant since) {

    /**
     * The job's name.
     *
     * @return unique in a database
     */
    public String name() {
        return job.definition().name();
    }
}
