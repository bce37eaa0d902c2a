package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.db.Horizon;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * A database of this daemon.
 *
 * @param dispatcher the database
 * @param wording how what is seen of it is said
 */
record SiteSource(Dispatcher dispatcher, Wording wording) implements Source {

    @Override
    public String name() {
        return dispatcher.site().name();
    }

    @Override
    public boolean answers() {
        return dispatcher.standing().status() == Status.READY;
    }

    @Override
    public Seen look() {
        return new Seen(
                dispatcher.site().board().jobs(),
                dispatcher.site().replication().standbys().all());
    }

    @Override
    public String standing(Optional<Seen> seen) {
        return wording.database(dispatcher, seen.filter(last -> answers()).map(Seen::standbys));
    }

    @Override
    public long latestEvent() {
        return dispatcher.site().board().latestEvent();
    }

    @Override
    public List<EventView> events(Optional<String> job, long after, int limit) {
        return dispatcher.site().board().events(job, after, limit);
    }

    @Override
    public String said(EventView event) {
        return wording.event(name(), event);
    }

    @Override
    public String horizon() throws SQLException {
        try (Connection connection = dispatcher.site().database().connect()) {
            return Horizon.now(connection);
        }
    }

    @Override
    public boolean isReached(String horizon) throws SQLException {
        try (Connection connection = dispatcher.site().database().connect()) {
            return Horizon.isReached(connection, horizon);
        }
    }
}
