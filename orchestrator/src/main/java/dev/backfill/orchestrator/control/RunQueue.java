package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.RunState;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** The run table as the queue: who wants a run adds it, who has hands to spare looks what is due. Safe for use by several threads. */
public final class RunQueue {

    /**
     * A run that is to be added.
     *
     * @param id the run's id
     * @param job the job's name
     * @param revision the revision to execute
     * @param worker who may work it: {@code daemons}, or one {@code foreground} process
     * @param planned the planned start, as text; {@code -infinity} for the first run of a job; empty when a person starts
     *     it
     */
    public record NewRun(String id, String job, int revision, String worker, Optional<String> planned) {

        /** The first run of a job, made by its registration. */
        public static NewRun first(String id, String job, int revision) {
            return new NewRun(id, job, revision, "daemons", Optional.of("-infinity"));
        }

        /** A run for a planned start. */
        public static NewRun planned(String id, String job, int revision, Instant planned) {
            return new NewRun(id, job, revision, "daemons", Optional.of(planned.toString()));
        }

        /** A run that a person starts. */
        public static NewRun byHand(String id, String job, int revision) {
            return new NewRun(id, job, revision, "daemons", Optional.empty());
        }

        /** A run that a process works in the foreground. */
        public static NewRun foreground(String id, String job, int revision) {
            return new NewRun(id, job, revision, "foreground", Optional.empty());
        }
    }

    private final Database database;
    private final EventStore events;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param events where beginnings are written down
     */
    public RunQueue(Database database, EventStore events) {
        this.database = database;
        this.events = events;
    }

    /**
     * The same queue, written down in somebody else's name.
     *
     * @param who whose
     * @return a queue over the same table
     */
    public RunQueue inNameOf(String who) {
        return new RunQueue(database, events.inNameOf(who));
    }

    /**
     * Adds a run that nobody gave a reason for. Several processes that add the same one add it once.
     *
     * @param run the run
     * @return false when the job has an unfinished run, or had one for this planned start, and nothing was added
     */
    public boolean insert(NewRun run) {
        return insert(run, "");
    }

    /**
     * Adds a run. Several processes that add the same one add it once.
     *
     * @param run the run
     * @param reason why; empty when there is nothing to say
     * @return false when the job has an unfinished run, or had one for this planned start, and nothing was added
     */
    public boolean insert(NewRun run, String reason) {
        String sql = """
                INSERT INTO backfill.run (id, job, revision, state, worker, scheduled_for)
                SELECT :id, :job, :revision, 'PENDING', :worker, CAST(:planned AS timestamptz)
                WHERE :planned IS DISTINCT FROM '-infinity' OR NOT EXISTS (SELECT FROM backfill.run WHERE job = :job)
                ON CONFLICT DO NOTHING
                """;
        return database.jdbi().inTransaction(handle -> {
            boolean added = handle.createUpdate(database.tables().sql(sql))
                            .bind("id", run.id())
                            .bind("job", run.job())
                            .bind("revision", run.revision())
                            .bind("worker", run.worker())
                            .bind("planned", run.planned().orElse(null))
                            .execute()
                    > 0;
            if (added) {
                events.stateChanged(handle, run.id(), Optional.empty(), RunState.PENDING, reason);
            }
            return added;
        });
    }

    /**
     * The runs that daemons have to see to now: unfinished, not paused, and due by the database's clock; and ended ones
     * that somebody wants checked again.
     *
     * @return their ids, the oldest first
     */
    public List<String> due() {
        String sql = """
                SELECT id FROM backfill.run
                WHERE (state IN ('PENDING', 'RUNNING', 'VERIFYING') AND worker = 'daemons'
                       AND (scheduled_for IS NULL OR scheduled_for <= clock_timestamp()))
                   OR check_asked IS NOT NULL
                ORDER BY created, id
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .mapTo(String.class)
                        .list());
    }

    /**
     * Whether a job has had a run for a planned start.
     *
     * @param job the job's name
     * @param planned the planned start
     * @return true when there is one
     */
    public boolean hasPlanned(String job, Instant planned) {
        String sql = "SELECT EXISTS (SELECT FROM backfill.run WHERE job = :job"
                + " AND scheduled_for = CAST(:planned AS timestamptz))";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("job", job)
                        .bind("planned", planned.toString())
                        .mapTo(Boolean.class)
                        .one());
    }

    /**
     * The database's clock.
     *
     * @return its time now
     */
    public Instant now() {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery("SELECT clock_timestamp()")
                        .mapTo(Instant.class)
                        .one());
    }

    /**
     * Gives a run to the daemons. A process that works it in the foreground goes on beside them; one that died is replaced.
     *
     * @param run the run's id
     * @return false when it was theirs already
     */
    public boolean handOver(String run) {
        String sql = "UPDATE backfill.run SET worker = 'daemons' WHERE id = :id AND worker <> 'daemons'";
        return database.jdbi().inTransaction(handle -> {
            boolean given = set(handle, sql, run);
            if (given) {
                events.noted(handle, run, "handed-over", "the daemons work it from now on");
            }
            return given;
        });
    }

    /**
     * Asks for the range of an ended run to be checked again.
     *
     * @param run the run's id
     * @param reason why; empty when there is nothing to say
     * @return false when it is no longer ended
     */
    public boolean askForCheck(String run, String reason) {
        String sql = "UPDATE backfill.run SET check_asked = clock_timestamp() WHERE id = :id"
                + " AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AND \"range\" IS NOT NULL";
        return database.jdbi().inTransaction(handle -> {
            boolean asked = set(handle, sql, run);
            if (asked) {
                events.noted(handle, run, "check-asked", reason);
            }
            return asked;
        });
    }

    /**
     * Writes down why a run does not move.
     *
     * @param run the run's id
     * @param hold why; null when it moves
     */
    public void rememberHold(String run, @Nullable Held hold) {
        String sql = """
                UPDATE backfill.run SET hold = CASE WHEN CAST(:reason AS text) IS NOT NULL THEN jsonb_build_object(
                    'reason', CAST(:reason AS text), 'since', CAST(:since AS text), 'detail', CAST(:detail AS text)) END
                WHERE id = :id
                """;
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(sql))
                        .bind("reason", hold == null ? null : hold.reason())
                        .bind("since", hold == null ? null : hold.since().toString())
                        .bind("detail", hold == null ? null : hold.detail())
                        .bind("id", run)
                        .execute());
    }

    /**
     * Whether another process is on a run: it has a slice, or says why the run does not move.
     *
     * @param run the run's id
     * @param owner who asks
     * @return true when somebody else is
     */
    public boolean isTouched(String run, String owner) {
        String sql = """
                SELECT hold IS NOT NULL OR EXISTS (
                    SELECT FROM backfill.slice s WHERE s.run = r.id AND s.state = 'RUNNING' AND s.owner <> :owner
                      AND s.lease_until >= clock_timestamp())
                FROM backfill.run r WHERE r.id = :id
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("id", run)
                        .bind("owner", owner)
                        .mapTo(Boolean.class)
                        .one());
    }

    private boolean set(Handle handle, String sql, String run) {
        return handle.createUpdate(database.tables().sql(sql)).bind("id", run).execute() > 0;
    }
}
