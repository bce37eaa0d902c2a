package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.standbys.StandbyName;
import java.util.List;
import java.util.Optional;

/** How what is seen is said: in the JSON that the other calls answer. Asks no database. Safe for use by several threads. */
public interface Wording {

    /**
     * A job.
     *
     * @param views of each database that it is registered in, at least one
     * @return a JSON object on one line
     */
    String job(List<JobView> views);

    /**
     * A database.
     *
     * @param dispatcher the database
     * @param standbys those that were seen; empty while that is not known
     * @return a JSON object on one line
     */
    String database(Dispatcher dispatcher, Optional<List<StandbyName>> standbys);

    /**
     * An event.
     *
     * @param database the database's configured name
     * @param event what happened
     * @return a JSON object on one line
     */
    String event(String database, EventView event);
}
