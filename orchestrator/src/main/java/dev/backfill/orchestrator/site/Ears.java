package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.run.RunListener;
import java.time.Duration;

/** Who hears what happens in a database's runs: metrics, for one. Safe for use by several threads. */
public interface Ears {

    /**
     * Listens to the runs of a job.
     *
     * @param job the job's name
     * @param database the database's configured name
     * @return told of everything that happens to them in this process
     */
    RunListener listener(String job, String database);

    /**
     * A run has stood still.
     *
     * @param job the job's name
     * @param database the database's configured name
     * @param reason the hold's word
     * @param duration for how long since this was told last
     */
    void held(String job, String database, String reason, Duration duration);
}
