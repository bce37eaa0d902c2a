package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** What people see of the jobs and runs of one database. Reads only. Safe for use by several threads. */
public final class RunBoard {

    private static final int MOST_SLICES = 10_000;
    private static final String RUN = """
            SELECT r.id, r.job, r.revision, r.state, r.reason, r.created,
                   nullif(r.scheduled_for, '-infinity') AS scheduled_for, r.started, r.finished,
                   extract(epoch FROM clock_timestamp() - r.started) AS lived,
                   r.hold->>'reason' AS hold_reason, CAST(r.hold->>'since' AS timestamptz) AS hold_since,
                   r.hold->>'detail' AS hold_detail, r.estimated_rows, r.rows_remaining,
                   coalesce(s.scanned, 0) AS scanned, coalesce(s.scanned_in_pass, 0) AS scanned_in_pass,
                   coalesce(s.changed, 0) AS changed,
                   (SELECT count(*) FROM backfill.quarantine WHERE run = r.id) AS quarantined
            FROM backfill.run r
            LEFT JOIN LATERAL (
                SELECT sum(rows_scanned) AS scanned, sum(rows_changed) AS changed,
                       sum(rows_scanned) FILTER (WHERE pass = r.pass) AS scanned_in_pass
                FROM backfill.slice WHERE run = r.id
            ) AS s ON true
            """;

    private static final String LATEST = RUN + """
            WHERE r.id IN (
                SELECT l.id FROM backfill.registration g
                CROSS JOIN LATERAL (
                    SELECT id FROM backfill.run WHERE job = g.job ORDER BY created DESC, id DESC LIMIT 1
                ) AS l
                WHERE g.active)
            """;

    private static final String SLICES =
            """
            SELECT number, pass, state, owner, rows_scanned, rows_changed, batches,
                   %s AS "from", %s AS "to", %s AS checkpoint
            FROM backfill.slice WHERE run = :run AND number > :after ORDER BY number LIMIT :limit
            """.formatted(Stored.select("\"from\""), Stored.select("\"to\""), Stored.select("checkpoint"));

    private static final String EVENTS = """
            SELECT id, time, subject_kind, subject, run, who, "from", "to", detail::text AS detail
            FROM backfill.event
            WHERE id > :after AND (CAST(:job AS text) IS NULL OR (subject_kind = 'job' AND subject = :job))
            ORDER BY id LIMIT :limit
            """;

    private final Database database;
    private final JobStore jobs;
    private final Function<String, Optional<Held>> held;
    private final Rates rates;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param jobs the registered jobs
     * @param held why a run that this process works does not move, by the run's id; fresher than the tables
     * @param timing how time passes here
     */
    public RunBoard(Database database, JobStore jobs, Function<String, Optional<Held>> held, Timing timing) {
        this.database = database;
        this.jobs = jobs;
        this.held = held;
        this.rates = new Rates(timing);
    }

    /**
     * The registered jobs with their latest runs.
     *
     * @return in the order of their names
     */
    public List<JobView> jobs() {
        Map<String, RunView> latest = database
                .jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(LATEST))
                        .map(this::view)
                        .list())
                .stream()
                .collect(Collectors.toMap(run -> run.id().job(), run -> run));
        return jobs.all().stream()
                .map(job -> new JobView(name(), job, Optional.ofNullable(latest.get(job.name()))))
                .toList();
    }

    /**
     * A registered job with its latest run.
     *
     * @param job its name
     * @return empty when no such job is registered
     */
    public Optional<JobView> job(String job) {
        return jobs.find(job)
                .map(found -> new JobView(
                        name(), found, runs(job, Optional.empty(), 1).stream().findFirst()));
    }

    /**
     * The runs of a job, also of one that is not registered any more.
     *
     * @param job its name
     * @param after the id of the run behind which to begin; empty for the latest
     * @param limit how many at most
     * @return the latest first
     */
    public List<RunView> runs(String job, Optional<String> after, int limit) {
        String sql = RUN + """
                WHERE r.job = :job AND (CAST(:after AS text) IS NULL OR (r.created, r.id) <
                    (SELECT a.created, a.id FROM backfill.run a WHERE a.id = :after))
                ORDER BY r.created DESC, r.id DESC LIMIT :limit
                """;
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql))
                        .bind("job", job)
                        .bind("after", after.orElse(null))
                        .bind("limit", limit)
                        .map(this::view)
                        .list());
    }

    /**
     * A run.
     *
     * @param id the run's id
     * @return empty when there is none of that id here
     */
    public Optional<RunView> run(String id) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(RUN + "WHERE r.id = :id"))
                        .bind("id", id)
                        .map(this::view)
                        .findOne());
    }

    /**
     * The slices of a run.
     *
     * @param run the run's id
     * @param after the number behind which to begin; 0 for the first
     * @param limit how many at most
     * @return in the order of their numbers
     */
    public List<SliceView> slices(String run, int after, int limit) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(SLICES))
                        .bind("run", run)
                        .bind("after", after)
                        .bind("limit", limit)
                        .map(RunBoard::slice)
                        .list());
    }

    /**
     * How much of a run's keys is behind it in its present pass, whatever is known of the number of rows.
     *
     * @param run the run's id
     * @return from 0 to 1; empty before it began
     */
    public Optional<Double> progressByKeys(String run) {
        return KeyProgress.read(database, run, slices(run, 0, MOST_SLICES));
    }

    /**
     * The audit log.
     *
     * @param job only of this job; empty for all
     * @param after the id behind which to begin; 0 for the first
     * @param limit how many at most
     * @return the oldest first
     */
    public List<EventView> events(Optional<String> job, long after, int limit) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(EVENTS))
                        .bind("job", job.orElse(null))
                        .bind("after", after)
                        .bind("limit", limit)
                        .map(RunBoard::event)
                        .list());
    }

    /** The largest id of an event; 0 when there is none. */
    public long latestEvent() {
        String sql = database.tables().sql("SELECT coalesce(max(id), 0) FROM backfill.event");
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(sql).mapTo(Long.class).one());
    }

    private String name() {
        return database.settings().name();
    }

    private RunView view(ResultSet row, StatementContext context) throws SQLException {
        RunState state = RunState.valueOf(row.getString("state"));
        String id = row.getString("id");
        RunView.Rows rows = corrected(id, state, rows(row));
        boolean moving = state.isUnfinished() && state != RunState.PAUSED;
        Optional<Held> hold = moving ? hold(id, row) : Optional.empty();
        return new RunView(
                new RunView.Id(id, row.getString("job"), row.getInt("revision"), name()),
                new RunView.Status(state, Optional.ofNullable(row.getString("reason")), hold),
                new RunView.Times(
                        row.getTimestamp("created").toInstant(),
                        instant(row, "scheduled_for"),
                        instant(row, "started"),
                        instant(row, "finished")),
                rows,
                state == RunState.RUNNING ? rates.eta(id, rows, hold, row.getDouble("lived")) : stopped(id));
    }

    private static RunView.Rows rows(ResultSet row) throws SQLException {
        return new RunView.Rows(
                row.getLong("scanned"),
                row.getLong("scanned_in_pass"),
                row.getLong("changed"),
                row.getLong("quarantined"),
                new RunView.Whole(
                        Optional.ofNullable(row.getObject("estimated_rows", Long.class)),
                        Optional.ofNullable(row.getObject("rows_remaining", Long.class))));
    }

    /** Where as many were gone over as the planner expected, the keys that are behind say how many there are. */
    private RunView.Rows corrected(String id, RunState state, RunView.Rows rows) {
        boolean moving = state == RunState.RUNNING || state == RunState.PAUSED;
        return moving && rows.reachTheEstimate()
                ? rows.expecting(KeyProgress.rows(rows.scannedInPass(), progressByKeys(id)))
                : rows;
    }

    private Optional<RunView.Eta> stopped(String id) {
        rates.forget(id);
        return Optional.empty();
    }

    private Optional<Held> hold(String id, ResultSet row) throws SQLException {
        String reason = row.getString("hold_reason");
        Optional<Instant> since = instant(row, "hold_since");
        Optional<Held> stored = reason == null || since.isEmpty()
                ? Optional.empty()
                : Optional.of(new Held(reason, since.get(), String.valueOf(row.getString("hold_detail"))));
        return held.apply(id).or(() -> stored);
    }

    private static SliceView slice(ResultSet row, StatementContext context) throws SQLException {
        return new SliceView(
                row.getInt("number"),
                new SliceView.Work(
                        row.getInt("pass"), row.getString("state"), Optional.ofNullable(row.getString("owner"))),
                new SliceView.Bounds(
                        texts(row.getArray("from")),
                        texts(row.getArray("to")).orElse(List.of()),
                        texts(row.getArray("checkpoint"))),
                new SliceView.Rows(row.getLong("rows_scanned"), row.getLong("rows_changed"), row.getLong("batches")));
    }

    private static EventView event(ResultSet row, StatementContext context) throws SQLException {
        return new EventView(
                row.getLong("id"),
                row.getTimestamp("time").toInstant(),
                new EventView.Subject(
                        row.getString("subject_kind"),
                        row.getString("subject"),
                        Optional.ofNullable(row.getString("run"))),
                new EventView.Change(
                        Optional.ofNullable(row.getString("from")),
                        Optional.ofNullable(row.getString("to")),
                        row.getString("detail")),
                row.getString("who"));
    }

    private static Optional<Instant> instant(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getTimestamp(column)).map(Timestamp::toInstant);
    }

    static Optional<List<String>> texts(@Nullable Array array) throws SQLException {
        return array == null
                ? Optional.empty()
                : Optional.of(Arrays.stream((String[]) array.getArray())
                        .map(String::valueOf)
                        .toList());
    }
}
