package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.run.Run.Proof;
import dev.backfill.orchestrator.sql.Key;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/**
 * The ways of a run from state to state; but for the begin of a {@linkplain Passes pass}, nothing else writes a run's state. Each is one transaction that wins or
 * changes nothing. Safe for use by several threads.
 */
public final class RunTransitions {

    private static final Optional<String> UNIQUE_VIOLATION = Optional.of("23505");

    private static final String ADD_PROOF = """
            INSERT INTO backfill.proof (job, run, revision, "range", horizon, remaining)
            SELECT job, id, revision, "range", CAST(:horizon AS xid8), :remaining FROM backfill.run WHERE id = :id
            """;

    private final Database database;
    private final RunStore runs;
    private final SliceStore slices;
    private final EventStore events;
    private final Passes passes;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param runs the runs
     * @param slices the slices that a pass begins with
     * @param events where changes of state are written down
     */
    public RunTransitions(Database database, RunStore runs, SliceStore slices, EventStore events) {
        this.database = database;
        this.runs = runs;
        this.slices = slices;
        this.events = events;
        this.passes = new Passes(database, slices, events);
    }

    /**
     * The same ways, written down in somebody else's name.
     *
     * @param who whose
     * @return ways over the same tables
     */
    public RunTransitions inNameOf(String who) {
        return new RunTransitions(database, runs, slices, events.inNameOf(who));
    }

    /**
     * How a run begins and goes on.
     *
     * @return its passes
     */
    public Passes passes() {
        return passes;
    }

    /**
     * Makes a run VERIFYING when every one of its slices is done.
     *
     * @param run the run's id
     * @return false when it is not RUNNING or has slices left
     */
    public boolean beginVerifying(String run) {
        String sql = """
                UPDATE backfill.run SET state = 'VERIFYING', verifier = NULL, verifier_until = NULL
                WHERE id = :id AND state = 'RUNNING'
                  AND NOT EXISTS (SELECT FROM backfill.slice WHERE run = :id AND state <> 'DONE')
                """;
        return database.jdbi().inTransaction(handle -> {
            lockRun(database.tables(), handle, run);
            boolean changed = handle.createUpdate(database.tables().sql(sql))
                            .bind("id", run)
                            .execute()
                    > 0;
            if (changed) {
                events.stateChanged(handle, run, Optional.of(RunState.RUNNING), RunState.VERIFYING, "");
            }
            return changed;
        });
    }

    /**
     * Moves a run to another state; the one place where that is done but for a run's beginning.
     *
     * @param run the run as it was seen
     * @param next the state aimed at
     * @param reason why, in a line; empty when there is nothing to say
     * @return false when the run is no longer in the state in which it was seen, or has failed and there is a newer one,
     *     or another on its table; nothing was changed then
     */
    public boolean move(Run run, RunState next, String reason) {
        try {
            return database.jdbi().inTransaction(handle -> move(handle, run, next, reason));
        } catch (UnableToExecuteStatementException e) {
            if (SqlStates.state(e).equals(UNIQUE_VIOLATION)) {
                return false; // a newer run was added just now
            }
            throw e;
        }
    }

    /**
     * Pauses a run that cannot go on by itself, and keeps all that is known of the error: the reason, which is logged, must
     * not say what the server said of the rows.
     *
     * @param run the run as it was seen
     * @param reason why, in a line
     * @param key the key that fails alone; empty when the error is of a whole batch, or of none
     * @param failure the error
     * @return false when the run is no longer in the state in which it was seen, and nothing was changed
     */
    public boolean pause(Run run, String reason, Optional<Key> key, Quarantine.Failure failure) {
        return database.jdbi().inTransaction(handle -> {
            boolean paused = move(handle, run, RunState.PAUSED, reason);
            if (paused) {
                slices.quarantine().meet(handle, run.id(), key, failure);
            }
            return paused;
        });
    }

    /**
     * Pauses a run that is as far as its job wants it to go unwatched, once.
     *
     * @param run the run as it was seen
     * @param reason why, in a line
     * @return false when it is not RUNNING, or has been there before, and nothing was changed
     */
    public boolean pauseAtCanary(Run run, String reason) {
        String sql = "UPDATE backfill.run SET canary = clock_timestamp()"
                + " WHERE id = :id AND state = 'RUNNING' AND canary IS NULL";
        return run.state() == RunState.RUNNING
                && database.jdbi().inTransaction(handle -> {
                    boolean first = handle.createUpdate(database.tables().sql(sql))
                                    .bind("id", run.id())
                                    .execute()
                            > 0;
                    return first && move(handle, run, RunState.PAUSED, reason);
                });
    }

    /**
     * Lets a run that was paused in the foreground go on there, where it was paused.
     *
     * @param run the run, PAUSED
     * @return false when it is no longer PAUSED
     */
    public boolean resume(Run run) {
        return resume(run, "foreground", "");
    }

    /**
     * Lets a paused run go on where it was paused, worked by the daemons.
     *
     * @param run the run, PAUSED
     * @param reason why; empty when there is nothing to say
     * @return false when it is no longer PAUSED
     */
    public boolean resume(Run run, String reason) {
        return resume(run, "daemons", reason);
    }

    private boolean resume(Run run, String worker, String reason) {
        String sql = """
                UPDATE backfill.run SET state = paused_from, paused_from = NULL, reason = NULL, worker = :worker,
                    hold = NULL, quarantine_spent = 0, verifier = NULL, verifier_until = NULL
                WHERE id = :id AND state = 'PAUSED' RETURNING state
                """;
        return database.jdbi().inTransaction(handle -> {
            Optional<String> state = handle.createQuery(database.tables().sql(sql))
                    .bind("worker", worker)
                    .bind("id", run.id())
                    .mapTo(String.class)
                    .findOne();
            state.ifPresent(s -> {
                slices.forgetAttempts(handle, run.id());
                slices.quarantine().pass(handle, run.id());
                events.stateChanged(handle, run.id(), Optional.of(RunState.PAUSED), RunState.valueOf(s), reason);
            });
            return state.isPresent();
        });
    }

    /**
     * Ends a check: writes the proof and the run's last state together.
     *
     * @param run the run, VERIFYING
     * @param next SUCCEEDED or FAILED
     * @param proof what was checked; empty when nothing was
     * @param reason why; empty when there is nothing to say
     * @return false when the run is no longer VERIFYING, and nothing was changed
     */
    public boolean conclude(Run run, RunState next, Optional<Proof> proof, String reason) {
        return database.jdbi().inTransaction(handle -> {
            proof.ifPresent(p -> runs.remember(handle, run, p.remaining()));
            if (!move(handle, run, next, reason)) {
                handle.rollback();
                return false;
            }
            proof.ifPresent(p -> add(handle, run, p));
            return true;
        });
    }

    /**
     * Ends the check of an ended run that somebody asked for: a new proof, and no other state.
     *
     * @param run the run
     * @param proof what was checked; empty when nothing could be
     * @param reason what came of it, in a line
     */
    public void concludeCheck(Run run, Optional<Proof> proof, String reason) {
        String sql = "UPDATE backfill.run SET check_asked = NULL, verifier = NULL, verifier_until = NULL"
                + " WHERE id = :id AND check_asked IS NOT NULL";
        database.jdbi().useTransaction(handle -> {
            if (handle.createUpdate(database.tables().sql(sql))
                            .bind("id", run.id())
                            .execute()
                    > 0) {
                proof.ifPresent(p -> runs.remember(handle, run, p.remaining()));
                proof.ifPresent(p -> add(handle, run, p));
                events.noted(handle, run.id(), "checked", reason);
            }
        });
    }

    private void add(Handle handle, Run run, Proof proof) {
        handle.createUpdate(database.tables().sql(ADD_PROOF))
                .bind("horizon", proof.horizon())
                .bind("remaining", proof.remaining())
                .bind("id", run.id())
                .execute();
    }

    /**
     * Locks a run's row, so that the next statement sees the slices of whoever had it: one that waits for the row itself
     * sees the row anew, and everything else as it was before the wait.
     */
    static void lockRun(OwnTables tables, Handle handle, String run) {
        handle.createQuery(tables.sql("SELECT id FROM backfill.run WHERE id = :id FOR NO KEY UPDATE"))
                .bind("id", run)
                .mapTo(String.class)
                .findOne();
    }

    private boolean move(Handle handle, Run run, RunState next, String reason) {
        String sql = """
                UPDATE backfill.run AS r SET state = :next, reason = nullif(:reason, ''),
                    paused_from = CASE WHEN :next = 'PAUSED' THEN state END, hold = NULL, check_asked = NULL,
                    finished = CASE WHEN :finished THEN clock_timestamp() END
                WHERE id = :id AND state = :state AND (state <> 'FAILED' OR NOT EXISTS (
                    SELECT FROM backfill.run n WHERE n.job = r.job AND (n.created, n.id) > (r.created, r.id)))
                """;
        requireLegal(run.state(), next);
        if (run.state() == RunState.FAILED && !passes.mayTakeTable(handle, run)) {
            return false;
        }
        boolean changed = handle.createUpdate(database.tables().sql(sql))
                        .bind("next", next.name())
                        .bind("reason", reason)
                        .bind("finished", !next.isUnfinished())
                        .bind("id", run.id())
                        .bind("state", run.state().name())
                        .execute()
                > 0;
        if (changed) {
            events.stateChanged(handle, run.id(), Optional.of(run.state()), next, reason);
        }
        if (changed && run.state() == RunState.FAILED) {
            slices.forgetAttempts(handle, run.id());
            slices.quarantine().tryAgain(handle, run.id());
        }
        return changed;
    }

    static void requireLegal(RunState from, RunState to) {
        if (!from.canBecome(to)) {
            throw new IllegalStateException("a run that is " + from + " cannot become " + to);
        }
    }
}
