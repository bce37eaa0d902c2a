package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.run.Run.Details;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.Revision;
import dev.backfill.orchestrator.run.SliceStore.Foreign;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The runs of a database. Safe for use by several threads. */
public final class RunStore {

    private static final String SELECT =
            """
            SELECT r.id, r.job, r.revision, j.checksum, r.state, r.pass, r."range" IS NOT NULL AS frozen,
                   r."range"->>'from' AS range_from, %s AS range_start, %s AS range_end, %s AS range_nulls,
                   to_char(r.started AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') AS started,
                   r.estimated_rows, r.rows_remaining, r.reason
            FROM backfill.run r JOIN backfill.job j ON j.name = r.job AND j.revision = r.revision
            """
                    .formatted(
                            Stored.select("r.\"range\"->'start'"),
                            Stored.select("r.\"range\"->'end'"),
                            Stored.select("r.\"range\"->'nulls'"));

    private final Database database;
    private final EventStore events;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param events where beginnings are written down
     */
    public RunStore(Database database, EventStore events) {
        this.database = database;
        this.events = events;
    }

    /**
     * Adds a run that a foreground process works.
     *
     * @param id the run's id
     * @param job the job's name
     * @param revision the revision to execute
     * @return false when the job has an unfinished run already, and nothing was added
     */
    public boolean insert(String id, String job, int revision) {
        String sql =
                """
                INSERT INTO backfill.run (id, job, revision, state, worker)
                VALUES (:id, :job, :revision, 'PENDING', 'foreground')
                ON CONFLICT (job) WHERE state IN ('PENDING', 'RUNNING', 'PAUSED', 'VERIFYING') DO NOTHING
                """;
        return database.jdbi().inTransaction(handle -> {
            boolean added = handle.createUpdate(database.tables().sql(sql))
                            .bind("id", id)
                            .bind("job", job)
                            .bind("revision", revision)
                            .execute()
                    > 0;
            if (added) {
                events.stateChanged(handle, id, Optional.empty(), RunState.PENDING, "");
            }
            return added;
        });
    }

    /**
     * The latest run of a job.
     *
     * @param job the job's name
     * @return the run; empty when there is none
     */
    public Optional<Run> latest(String job) {
        return one("WHERE r.job = :value ORDER BY r.created DESC, r.id DESC LIMIT 1", job);
    }

    /**
     * A run by its id.
     *
     * @param id the run's id
     * @return the run as it is now
     */
    public Run find(String id) {
        return one("WHERE r.id = :value", id)
                .orElseThrow(() -> new IllegalStateException("run " + id + " is gone from the own tables"));
    }

    /**
     * Writes down how many rows a check found, before a further pass.
     *
     * @param run the run
     * @param remaining rows still to do
     */
    public void remember(Run run, long remaining) {
        database.jdbi().useHandle(handle -> remember(handle, run, remaining));
    }

    /**
     * Takes or keeps the right to check a run.
     *
     * @param run the run's id
     * @param owner this process
     * @param lease for how long
     * @return false while another process has it
     */
    public boolean claimVerification(String run, String owner, Duration lease) {
        String sql =
                """
                UPDATE backfill.run SET verifier = :owner, verifier_until = clock_timestamp() + CAST(:lease AS interval)
                WHERE id = :id AND state = 'VERIFYING'
                  AND (verifier IS NULL OR verifier = :owner OR verifier_until < clock_timestamp())
                """;
        return database.jdbi().withHandle(handle -> handle.createUpdate(
                                database.tables().sql(sql))
                        .bind("owner", owner)
                        .bind("lease", Stored.interval(lease))
                        .bind("id", run)
                        .execute()
                > 0);
    }

    /**
     * Gives up the right to check a run, so that any process may check it at once.
     *
     * @param run the run's id
     * @param owner this process
     */
    public void releaseVerification(String run, String owner) {
        String sql =
                """
                UPDATE backfill.run SET verifier = NULL, verifier_until = NULL
                WHERE id = :id AND state = 'VERIFYING' AND verifier = :owner
                """;
        database.jdbi().useHandle(handle -> handle.createUpdate(
                        database.tables().sql(sql))
                .bind("id", run)
                .bind("owner", owner)
                .execute());
    }

    /**
     * The process that others wait for while it checks a run.
     *
     * @param run the run's id
     * @param owner this process
     * @return another process with the right to check, and for how long
     */
    public Optional<Foreign> foreignVerifier(String run, String owner) {
        String sql =
                """
                SELECT verifier, ceil(extract(epoch FROM verifier_until - clock_timestamp())) AS seconds
                FROM backfill.run
                WHERE id = :id AND state = 'VERIFYING' AND verifier <> :owner AND verifier_until >= clock_timestamp()
                """;
        return database.jdbi().withHandle(handle -> handle.createQuery(
                        database.tables().sql(sql))
                .bind("id", run)
                .bind("owner", owner)
                .map((row, context) -> new Foreign(row.getString("verifier"), row.getLong("seconds")))
                .findOne());
    }

    void remember(Handle handle, Run run, long remaining) {
        handle.createUpdate(database.tables().sql("UPDATE backfill.run SET rows_remaining = :n WHERE id = :id"))
                .bind("n", remaining)
                .bind("id", run.id())
                .execute();
    }

    private Optional<Run> one(String where, String value) {
        return database.jdbi().withHandle(handle -> handle.createQuery(
                        database.tables().sql(SELECT + where))
                .bind("value", value)
                .map(RunStore::read)
                .findOne());
    }

    private static Run read(ResultSet row, StatementContext context) throws SQLException {
        Optional<FrozenRange> range = row.getBoolean("frozen")
                ? Optional.of(new FrozenRange(
                        Optional.ofNullable(row.getString("range_from")),
                        Stored.read(row, "range_start"),
                        Stored.read(row, "range_end"),
                        Stored.read(row, "range_nulls")))
                : Optional.empty();
        return new Run(
                row.getString("id"),
                new Revision(row.getString("job"), row.getInt("revision"), row.getString("checksum")),
                RunState.valueOf(row.getString("state")),
                row.getInt("pass"),
                new Details(
                        range,
                        Optional.ofNullable(row.getString("started")),
                        Optional.ofNullable(row.getObject("estimated_rows", Long.class)),
                        Optional.ofNullable(row.getObject("rows_remaining", Long.class)),
                        Optional.ofNullable(row.getString("reason"))));
    }
}
