package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.standbys.StandbyName;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** A database that is looked at. What asks it may take as long as it lets one wait. */
interface Source {

    /**
     * What was seen of it.
     *
     * @param jobs its registered jobs with their latest runs
     * @param standbys those that were seen of its own
     */
    record Seen(List<JobView> jobs, List<StandbyName> standbys) {}

    /** Its configured name. */
    String name();

    /** Whether it can be asked now; asks nothing. */
    boolean answers();

    /** Looks at its jobs. */
    Seen look();

    /** How it stands, as JSON; asks nothing. */
    String standing(Optional<Seen> seen);

    /** The largest id of an event; 0 when there is none. */
    long latestEvent();

    /** The events of a job or of all behind an id, by their ids. */
    List<EventView> events(Optional<String> job, long after, int limit);

    /** An event as JSON; asks nothing. */
    String said(EventView event);

    /** The transaction below which nothing that is seen now can still be open. */
    String horizon() throws SQLException;

    /** Whether every transaction below a horizon has ended. */
    boolean isReached(String horizon) throws SQLException;
}
