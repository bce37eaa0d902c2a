package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The audit log. Safe for use by several threads. */
public final class EventStore {

    private static final String INSERT = """
            INSERT INTO backfill.event (subject_kind, subject, run, who, "from", "to", detail)
            SELECT 'job', r.job, r.id, :who, :from, :to, jsonb_strip_nulls(jsonb_build_object(
                'reason', nullif(:reason, ''), 'slice', CAST(:slice AS integer)))
            FROM backfill.run r WHERE r.id = :run
            """;

    private final Database database;
    private final String who;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param who in whose name events of this process are written
     */
    public EventStore(Database database, String who) {
        this.database = database;
        this.who = who;
    }

    /**
     * Writes down that a commit was refused because its slice had gone to another worker.
     *
     * @param slice the slice as the late worker took it for
     */
    public void commitFenced(Slice slice) {
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(INSERT))
                        .bind("who", who)
                        .bind("from", "fence " + slice.lease().fence())
                        .bind("to", "fenced-commit")
                        .bind("reason", "the slice had gone to another worker")
                        .bind("slice", slice.id().number())
                        .bind("run", slice.id().run())
                        .execute());
    }

    void stateChanged(Handle handle, String run, Optional<RunState> from, RunState to, String reason) {
        handle.createUpdate(database.tables().sql(INSERT))
                .bind("who", who)
                .bind("from", from.map(Enum::name).orElse(null))
                .bind("to", to.name())
                .bind("reason", reason)
                .bind("slice", (Integer) null)
                .bind("run", run)
                .execute();
    }
}
