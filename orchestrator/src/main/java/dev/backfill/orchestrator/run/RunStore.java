package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.run.Run.Details;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Run.Revision;
import dev.backfill.orchestrator.run.SliceStore.Foreign;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The runs of a database. Safe for use by several threads. */
public final class RunStore {

    private static final String SELECT = """
            SELECT r.id, r.job, r.revision, j.checksum, r.state, r.pass, r."range" IS NOT NULL AS frozen,
                   r."range"->>'from' AS range_from, %s AS range_start, %s AS range_end, %s AS range_nulls,
                   to_char(r.started AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00') AS started,
                   r.estimated_rows, r.rows_remaining, r.reason
            FROM backfill.run r JOIN backfill.job j ON j.name = r.job AND j.revision = r.revision
            """.formatted(
                    Stored.select("r.\"range\"->'start'"),
                    Stored.select("r.\"range\"->'end'"),
                    Stored.select("r.\"range\"->'nulls'"));

    /**
     * What was found when the range of a job was checked.
     *
     * @param what what was checked
     * @param range the frozen range, as JSON
     * @param snapshot the transaction id below which everything had ended before it was counted
     * @param remaining rows that were still to do
     * @param at when
     */
    public record Checked(What what, String range, String snapshot, long remaining, Instant at) {}

    /**
     * The run that was checked, as it is now.
     *
     * @param run the run's id
     * @param revision of the job
     * @param state its state: it may be at work again since
     * @param quarantined how many keys are set aside: they may be what {@code remaining} does not count
     */
    public record What(String run, int revision, RunState state, long quarantined) {}

    /**
     * What is known of the checks of a job, all of it at one moment.
     *
     * @param latest what the latest check found; empty when none was made
     * @param newer the job's latest run, when it is another one than was checked last
     * @param checking the runs whose check was asked for and is not concluded
     */
    public record Checks(Optional<Checked> latest, Optional<Newer> newer, List<String> checking) {}

    /**
     * A run that came after the one that was checked last.
     *
     * @param run the run's id
     * @param state its state
     */
    public record Newer(String run, RunState state) {}

    private static final String CHECKS = """
            SELECT p.run, p.revision, p."range"::text AS "range", p.horizon::text AS snapshot, p.remaining, p.at,
                   (SELECT r.state FROM backfill.run r WHERE r.id = p.run) AS state,
                   (SELECT count(*) FROM backfill.quarantine q WHERE q.run = p.run) AS quarantined,
                   l.id AS newer, l.state AS newer_state, ARRAY(SELECT c.id FROM backfill.run c
                       WHERE c.job = j.name AND c.check_asked IS NOT NULL ORDER BY c.id) AS checking
            FROM (SELECT CAST(:job AS text) AS name) AS j
            LEFT JOIN LATERAL (
                SELECT * FROM backfill.proof WHERE job = j.name ORDER BY at DESC, id DESC LIMIT 1
            ) AS p ON true
            LEFT JOIN LATERAL (
                SELECT id, state FROM backfill.run WHERE job = j.name ORDER BY created DESC, id DESC LIMIT 1
            ) AS l ON l.id <> p.run
            """;

    private static final String CLAIM_VERIFICATION =
            """
            UPDATE backfill.run SET verifier = ?, verifier_until = clock_timestamp() + CAST(? AS interval),
                verifier_pid = CASE WHEN ? THEN pg_backend_pid() END,
                verifier_start = (SELECT a.backend_start FROM pg_catalog.pg_stat_activity a
                                  WHERE a.pid = pg_backend_pid())
            WHERE id = ? AND (state = 'VERIFYING' OR check_asked IS NOT NULL) AND (verifier = ? OR (%s) IS NOT TRUE)
            """.formatted(Stored.live("verifier_until", "verifier_pid", "verifier_start"));

    private final Database database;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     */
    public RunStore(Database database) {
        this.database = database;
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
     * Takes or keeps the right to check a run. It ends with its time, or when the backend it was taken on is gone.
     *
     * @param connection the session that the process checks on, in autocommit mode
     * @param run the run's id
     * @param owner this process
     * @param lease for how long
     * @return false while another process has it
     * @throws SQLException when the statement fails
     */
    public boolean claimVerification(Connection connection, String run, String owner, Duration lease)
            throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement(database.tables().sql(CLAIM_VERIFICATION))) {
            update.setString(1, owner);
            update.setString(2, Stored.interval(lease));
            update.setBoolean(3, !database.tables().pooled());
            update.setString(4, run);
            update.setString(5, owner);
            return update.executeUpdate() > 0;
        }
    }

    /**
     * What is known of the checks of a job.
     *
     * @param job the job's name, whether there is such a job or not
     * @return the latest check, and those to come
     */
    public Checks checks(String job) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(CHECKS))
                        .bind("job", job)
                        .map(RunStore::checks)
                        .one());
    }

    /**
     * Prolongs the right to check a run while a statement of the check lasts.
     *
     * @param run the run's id
     * @param owner this process
     * @param lease for how long
     */
    public void keepVerification(String run, String owner, Duration lease) {
        String sql = """
                UPDATE backfill.run SET verifier_until = clock_timestamp() + CAST(:lease AS interval)
                WHERE id = :id AND verifier = :owner AND (state = 'VERIFYING' OR check_asked IS NOT NULL)
                """;
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(sql))
                        .bind("lease", Stored.interval(lease))
                        .bind("id", run)
                        .bind("owner", owner)
                        .execute());
    }

    /**
     * Gives up the right to check a run, so that any process may check it at once.
     *
     * @param run the run's id
     * @param owner this process
     */
    public void releaseVerification(String run, String owner) {
        String sql = """
                UPDATE backfill.run SET verifier = NULL, verifier_until = NULL
                WHERE id = :id AND (state = 'VERIFYING' OR check_asked IS NOT NULL) AND verifier = :owner
                """;
        database.jdbi()
                .useHandle(handle -> handle.createUpdate(database.tables().sql(sql))
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
        String sql = """
                SELECT verifier, ceil(extract(epoch FROM verifier_until - clock_timestamp())) AS seconds
                FROM backfill.run
                WHERE id = :id AND (state = 'VERIFYING' OR check_asked IS NOT NULL) AND verifier <> :owner AND (%s)
                """.formatted(Stored.live("verifier_until", "verifier_pid", "verifier_start"));
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("id", run)
                        .bind("owner", owner)
                        .map((row, context) -> new Foreign(row.getString("verifier"), row.getLong("seconds")))
                        .findOne());
    }

    /**
     * Whether a run has paused itself after the part that its job names.
     *
     * @param run the run's id
     * @return true from then on
     */
    public boolean canaryPassed(String run) {
        String sql = "SELECT canary IS NOT NULL FROM backfill.run WHERE id = :id";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("id", run)
                        .mapTo(Boolean.class)
                        .one());
    }

    void remember(Handle handle, Run run, long remaining) {
        handle.createUpdate(database.tables().sql("UPDATE backfill.run SET rows_remaining = :n WHERE id = :id"))
                .bind("n", remaining)
                .bind("id", run.id())
                .execute();
    }

    private Optional<Run> one(String where, String value) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(SELECT + where))
                        .bind("value", value)
                        .map(RunStore::read)
                        .findOne());
    }

    private static Checks checks(ResultSet row, StatementContext context) throws SQLException {
        List<String> checking = List.of((String[]) row.getArray("checking").getArray());
        if (row.getString("run") == null) {
            return new Checks(Optional.empty(), Optional.empty(), checking);
        }
        Checked latest = new Checked(
                new What(
                        row.getString("run"),
                        row.getInt("revision"),
                        RunState.valueOf(row.getString("state")),
                        row.getLong("quarantined")),
                row.getString("range"),
                row.getString("snapshot"),
                row.getLong("remaining"),
                row.getTimestamp("at").toInstant());
        String newer = row.getString("newer");
        return new Checks(
                Optional.of(latest),
                newer == null
                        ? Optional.empty()
                        : Optional.of(new Newer(newer, RunState.valueOf(row.getString("newer_state")))),
                checking);
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
