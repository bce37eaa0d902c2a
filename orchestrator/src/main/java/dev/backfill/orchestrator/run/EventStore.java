package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import java.time.Instant;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The audit log. Safe for use by several threads. */
public final class EventStore {

    private static final String OF_RUN = """
            INSERT INTO backfill.event (subject_kind, subject, run, who, "from", "to", detail)
            SELECT 'job', r.job, r.id, :who, :from, :to, jsonb_strip_nulls(jsonb_build_object(
                'reason', nullif(:reason, ''), 'slice', CAST(:slice AS integer)))
            FROM backfill.run r WHERE r.id = :run
            """;

    private static final String OF_SUBJECT = """
            INSERT INTO backfill.event (subject_kind, subject, who, "from", "to", detail)
            VALUES (:kind, :subject, :who, :from, :to,
                    jsonb_strip_nulls(jsonb_build_object('reason', nullif(:reason, ''))))
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
     * The same log, written in somebody else's name.
     *
     * @param name whose
     * @return a log over the same table
     */
    public EventStore inNameOf(String name) {
        return new EventStore(database, name);
    }

    /**
     * Writes down that a commit was refused because its slice had gone to another worker.
     *
     * @param slice the slice as the late worker took it for
     */
    public void commitFenced(Slice slice) {
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(OF_RUN))
                        .bind("who", who)
                        .bind("from", "fence " + slice.lease().fence())
                        .bind("to", "fenced-commit")
                        .bind("reason", "the slice had gone to another worker")
                        .bind("slice", slice.id().number())
                        .bind("run", slice.id().run())
                        .execute());
    }

    /**
     * Writes down what happened to a run that is no change of its state.
     *
     * @param run the run's id
     * @param what in a word, such as {@code hold}
     * @param reason why, in a line
     */
    public void noted(String run, String what, String reason) {
        database.jdbi().useHandle(handle -> noted(handle, run, what, reason));
    }

    /**
     * Writes down what happened to a run that is no change of its state.
     *
     * @param handle the transaction in which it happened
     * @param run the run's id
     * @param what in a word, such as {@code checked}
     * @param reason why, in a line
     */
    public void noted(Handle handle, String run, String what, String reason) {
        ofRun(handle, run, Optional.empty(), what, reason);
    }

    /**
     * Writes down what became of a job's registration.
     *
     * @param handle the transaction that changes it
     * @param job the job's name
     * @param from what it was; empty when it is new
     * @param to what it is now
     * @param reason why; empty when there is nothing to say
     */
    public void jobChanged(Handle handle, String job, Optional<String> from, String to, String reason) {
        ofSubject(handle, "job", job, from, to, reason);
    }

    /**
     * Writes down that a planned start found an unfinished run.
     *
     * @param job the job's name
     * @param planned the planned start
     */
    public void startSkipped(String job, Instant planned) {
        database.jdbi()
                .useHandle(handle -> ofSubject(
                        handle,
                        "job",
                        job,
                        Optional.empty(),
                        "start-skipped",
                        "the start planned for " + planned + " found an unfinished run"));
    }

    /**
     * Writes down that everything was stopped, or goes on.
     *
     * @param handle the transaction that changes the switch
     * @param to {@code stopped} or {@code released}
     * @param reason why; empty when there is nothing to say
     */
    public void switched(Handle handle, String to, String reason) {
        ofSubject(handle, "switch", "stop", Optional.empty(), to, reason);
    }

    /**
     * Writes down that a standby is expected no more.
     *
     * @param handle the transaction that forgets it
     * @param standby its application_name
     * @param reason why; empty when there is nothing to say
     */
    public void standbyForgotten(Handle handle, String standby, String reason) {
        ofSubject(handle, "standby", standby, Optional.of("expected"), "forgotten", reason);
    }

    /**
     * Writes down that a run is in another state.
     *
     * @param handle the transaction that changes it
     * @param run the run's id
     * @param from the state before; empty when it is new
     * @param to the state now
     * @param reason why; empty when there is nothing to say
     */
    public void stateChanged(Handle handle, String run, Optional<RunState> from, RunState to, String reason) {
        ofRun(handle, run, from.map(Enum::name), to.name(), reason);
    }

    private void ofRun(Handle handle, String run, Optional<String> from, String to, String reason) {
        handle.createUpdate(database.tables().sql(OF_RUN))
                .bind("who", who)
                .bind("from", from.orElse(null))
                .bind("to", to)
                .bind("reason", reason)
                .bind("slice", (Integer) null)
                .bind("run", run)
                .execute();
    }

    private void ofSubject(
            Handle handle, String kind, String subject, Optional<String> from, String to, String reason) {
        handle.createUpdate(database.tables().sql(OF_SUBJECT))
                .bind("kind", kind)
                .bind("subject", subject)
                .bind("who", who)
                .bind("from", from.orElse(null))
                .bind("to", to)
                .bind("reason", reason)
                .execute();
    }
}
