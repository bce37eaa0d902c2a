package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.run.EventStore;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Optional;

/**
 * A stop for everything in a database, which outlives every process. It pauses no run: lifting it resumes nothing that a
 * person paused. Safe for use by several threads.
 */
public final class StopSwitch {

    /**
     * A stop.
     *
     * @param since when it was said
     * @param cause by whom and why
     */
    public record Stopped(Instant since, Cause cause) {
        /**
         * The stop in a line.
         *
         * @return who said it, since when, and why
         */
        public String display() {
            return "everything was stopped by " + cause.who() + " at " + since
                    + (cause.reason().isEmpty() ? "" : ": " + cause.reason());
        }
    }

    /**
     * What a database says of itself.
     *
     * @param time its clock
     * @param stopped the stop, while there is one
     */
    public record Reading(Instant time, Optional<Stopped> stopped) {}

    private final Database database;
    private final EventStore events;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param events where it is written down
     */
    public StopSwitch(Database database, EventStore events) {
        this.database = database;
        this.events = events;
    }

    /**
     * Stops everything, or lifts that.
     *
     * @param stop whether to stop
     * @param cause by whom and why
     */
    public void set(boolean stop, Cause cause) {
        if (stop) {
            stop(cause);
        } else {
            lift(cause);
        }
    }

    /**
     * Stops everything. A stop that is there already stays as it is.
     *
     * @param cause by whom and why
     */
    public void stop(Cause cause) {
        String sql =
                "INSERT INTO backfill.switch (name, who, reason) VALUES ('stop', :who, :reason) ON CONFLICT DO NOTHING";
        database.jdbi().useTransaction(handle -> {
            if (handle.createUpdate(database.tables().sql(sql))
                            .bind("who", cause.who())
                            .bind("reason", cause.reason())
                            .execute()
                    > 0) {
                events.inNameOf(cause.who()).switched(handle, "stopped", cause.reason());
            }
        });
    }

    /**
     * Lifts the stop, if there is one.
     *
     * @param cause by whom and why
     */
    public void lift(Cause cause) {
        database.jdbi().useTransaction(handle -> {
            if (handle.execute(database.tables().sql("DELETE FROM backfill.switch WHERE name = 'stop'")) > 0) {
                events.inNameOf(cause.who()).switched(handle, "released", cause.reason());
            }
        });
    }

    /**
     * Reads the switch and the clock.
     *
     * @return what the database says now
     */
    public Reading read() {
        String sql = """
                SELECT clock_timestamp() AS now, s.since, s.who, s.reason
                FROM (SELECT) AS one LEFT JOIN backfill.switch s ON s.name = 'stop'
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .map((row, context) -> {
                            Timestamp since = row.getTimestamp("since");
                            Cause cause = new Cause(
                                    String.valueOf(row.getString("who")), String.valueOf(row.getString("reason")));
                            return new Reading(
                                    row.getTimestamp("now").toInstant(),
                                    Optional.ofNullable(since).map(time -> new Stopped(time.toInstant(), cause)));
                        })
                        .one());
    }
}
