package dev.backfill.orchestrator.tuning;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.EventStore;
import java.util.Map;
import java.util.Optional;

/** What was tuned of the runs of a database. Safe for use by several threads. */
public final class TuningStore {

    private static final String WEIGHTS =
            """
            SELECT r.id, coalesce(CAST(coalesce(t.sections ->> 'weight', j.definition ->> 'weight') AS double precision), 1)
                / count(*) AS weight
            FROM backfill.slice s JOIN backfill.run r ON r.id = s.run
            JOIN backfill.job j ON j.name = r.job AND j.revision = r.revision
            LEFT JOIN backfill.tuning t ON t.run = r.id
            WHERE r.state = 'RUNNING' AND s.state = 'RUNNING' AND %s
            GROUP BY r.id, t.sections, j.definition
            """.formatted(Stored.live("s.lease_until", "s.backend_pid", "s.backend_start"));

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public TuningStore(Database database) {
        this.database = database;
    }

    /**
     * What was tuned of a run.
     *
     * @param run the run's id
     * @return the sections as it goes by them, as JSON; empty when it goes by its job
     */
    public Optional<String> of(String run) {
        String sql = database.tables().sql("SELECT sections::text FROM backfill.tuning WHERE run = :run");
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(sql)
                        .bind("run", run)
                        .mapTo(String.class)
                        .findOne());
    }

    /**
     * What each run that is worked now weighs a worker, over all processes, as it is tuned.
     *
     * @return by the runs' ids; those that are held for long, or wait for a worker, are not among them
     */
    public Map<String, Double> weights() {
        String sql = database.tables().sql(WEIGHTS);
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(sql)
                        .map((row, context) -> Map.entry(row.getString("id"), row.getDouble("weight")))
                        .collectToMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /**
     * Writes down how an unfinished run goes from now on.
     *
     * @param run the run's id
     * @param before what was written down, as {@link #of} has answered it
     * @param after the sections, as JSON
     * @param events where it is noted, in the name of who wants it
     * @return false when something else was written down meanwhile, or the run has ended
     */
    public boolean write(String run, Optional<String> before, String after, EventStore events) {
        String sql = database.tables().sql("""
                INSERT INTO backfill.tuning AS t (run, sections)
                SELECT id, CAST(:after AS jsonb) FROM backfill.run
                WHERE id = :run AND state IN ('PENDING', 'RUNNING', 'PAUSED', 'VERIFYING')
                ON CONFLICT (run) DO UPDATE SET sections = EXCLUDED.sections, at = clock_timestamp()
                WHERE t.sections = CAST(:before AS jsonb)
                """);
        return database.jdbi().inTransaction(handle -> {
            boolean written = handle.createUpdate(sql)
                            .bind("after", after)
                            .bind("run", run)
                            .bind("before", before.orElse(null))
                            .execute()
                    > 0;
            if (written) {
                events.noted(handle, run, "tuned", after);
            }
            return written;
        });
    }
}
