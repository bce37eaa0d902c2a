package dev.backfill.orchestrator.tuning;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.EventStore;
import java.util.Optional;

/** What was tuned of the runs of a database. Safe for use by several threads. */
public final class TuningStore {

    private static final String HEAVIEST =
            """
            SELECT max(coalesce(CAST(coalesce(t.sections ->> 'weight', j.definition ->> 'weight') AS double precision), 1)
                / coalesce(CAST(coalesce(t.sections ->> 'parallelism', j.definition ->> 'parallelism') AS double precision), 1))
            FROM backfill.run r JOIN backfill.job j ON j.name = r.job AND j.revision = r.revision
            LEFT JOIN backfill.tuning t ON t.run = r.id
            WHERE r.state = 'RUNNING' AND EXISTS (
                SELECT FROM backfill.slice s WHERE s.run = r.id AND s.state = 'RUNNING' AND s.owner <> :owner AND %s)
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
     * What the heaviest of the runs weighs that other processes work now.
     *
     * @param owner this process
     * @return its weight a worker, as it is tuned; empty when others work none
     */
    public Optional<Double> heaviestElsewhere(String owner) {
        String sql = database.tables().sql(HEAVIEST);
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(sql)
                        .bind("owner", owner)
                        .mapTo(Double.class)
                        .findOne());
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
