package dev.backfill.orchestrator.registration;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registration.RevisionStore.UnreadableException;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.EventStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The registered jobs of a database: which revision of which job the daemons go by. Safe for use by several threads. */
public final class JobStore {

    private static final Logger LOG = LoggerFactory.getLogger(JobStore.class);

    /**
     * What became of a registration.
     *
     * @param revision the number of the registered revision, from 1
     * @param changed false when the same content was registered already
     */
    public record Registered(int revision, boolean changed) {}

    /**
     * The registered content of a job.
     *
     * @param revision the number of its revision
     * @param checksum of its content
     * @param active false when it was unregistered since
     * @param byFile whether it came from a file
     */
    public record Entry(int revision, String checksum, boolean active, boolean byFile) {}

    private static final String REGISTERED = """
            SELECT g.job, g.revision, g.origin, g.since, g.planned_since, g.handled, j.definition::text AS definition
            FROM backfill.registration g JOIN backfill.job j ON j.name = g.job AND j.revision = g.revision
            WHERE g.active
            """;

    private final Database database;
    private final RevisionStore revisions;
    private final EventStore events;
    private final Dependencies dependencies;
    private final Set<String> unreadable = ConcurrentHashMap.newKeySet();

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param revisions every revision there was
     * @param events where registrations are written down
     */
    public JobStore(Database database, RevisionStore revisions, EventStore events) {
        this.database = database;
        this.revisions = revisions;
        this.events = events;
        this.dependencies = new Dependencies(database);
    }

    /**
     * Registers a job: the daemons go by this content from the next run on. The same content again changes nothing.
     *
     * @param job the job
     * @param origin from where it came: {@code file} or {@code api}
     * @param who in whose name
     * @return its revision, and whether anything changed
     * @throws Dependencies.CycleException when it would wait for itself
     */
    public Registered register(LoadedJob job, String origin, String who) {
        return register(job, origin, who, Optional.empty());
    }

    /**
     * Registers a job only over what whoever registers it had seen.
     *
     * @param job the job
     * @param origin from where it came: {@code file} or {@code api}
     * @param who in whose name
     * @param over the checksum of the content that was seen, an empty text for none; empty for whatever there is
     * @return its revision, and whether anything changed
     * @throws Dependencies.CycleException when it would wait for itself
     * @throws OvertakenException when another revision is registered by now
     */
    public Registered register(LoadedJob job, String origin, String who, Optional<String> over) {
        return database.jdbi().inTransaction(handle -> {
            String name = job.definition().name();
            lock(handle, name);
            Optional<Entry> there = entry(handle, name).filter(Entry::active);
            if (over.isPresent()
                    && !over.get().equals(there.map(Entry::checksum).orElse(""))) {
                throw new OvertakenException(there.map(Entry::revision).orElse(0));
            }
            if (there.filter(e -> e.checksum().equals(job.checksum())).isPresent()) {
                return new Registered(there.get().revision(), false);
            }
            dependencies.requireNoCircle(handle, job.definition());
            int revision = revisions.add(handle, job, origin, who);
            put(handle, name, revision, origin);
            events.inNameOf(who)
                    .jobChanged(
                            handle,
                            name,
                            there.map(e -> "revision " + e.revision()),
                            "revision " + revision,
                            "registered by " + origin);
            return new Registered(revision, true);
        });
    }

    /** Nobody else changes the registration of the job meanwhile. */
    private static void lock(Handle handle, String job) {
        handle.execute("SELECT pg_advisory_xact_lock(hashtext('backfill registration'), hashtext(?))", job);
    }

    /**
     * Which jobs wait for which others.
     *
     * @return in this database
     */
    public Dependencies dependencies() {
        return dependencies;
    }

    /**
     * Unregisters a job: no run of it begins by itself any more. Its runs stay.
     *
     * @param job the job's name
     * @param who in whose name
     * @param reason why; may be empty
     * @return false when it was not registered
     */
    public boolean unregister(String job, String who, String reason) {
        String sql = """
                UPDATE backfill.registration SET active = false, since = clock_timestamp()
                WHERE job = :job AND active RETURNING revision
                """;
        return database.jdbi().inTransaction(handle -> {
            lock(handle, job);
            Optional<Integer> revision = handle.createQuery(database.tables().sql(sql))
                    .bind("job", job)
                    .mapTo(Integer.class)
                    .findOne();
            revision.ifPresent(r ->
                    events.inNameOf(who).jobChanged(handle, job, Optional.of("revision " + r), "unregistered", reason));
            return revision.isPresent();
        });
    }

    /**
     * The registered jobs.
     *
     * @return in the order of their names
     */
    public List<RegisteredJob> all() {
        return database.jdbi()
                .withHandle(
                        handle -> handle
                                .createQuery(database.tables().sql(REGISTERED + " ORDER BY g.job"))
                                .map(this::readable)
                                .list()
                                .stream()
                                .flatMap(Optional::stream)
                                .toList());
    }

    /**
     * A registered job.
     *
     * @param job its name
     * @return empty when no such job is registered, or this version of the program cannot read it
     */
    public Optional<RegisteredJob> find(String job) {
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(REGISTERED + " AND g.job = :job"))
                        .bind("job", job)
                        .map(this::readable)
                        .findOne())
                .flatMap(found -> found);
    }

    /**
     * The registered jobs of which no run has ever been made.
     *
     * @return in the order of their names
     */
    public List<RegisteredJob> withoutRun() {
        String sql = REGISTERED + " AND NOT EXISTS (SELECT FROM backfill.run r WHERE r.job = g.job) ORDER BY g.job";
        return database.jdbi()
                .withHandle(handle -> handle.createQuery(database.tables().sql(sql)).map(this::readable).list().stream()
                        .flatMap(Optional::stream)
                        .toList());
    }

    /**
     * Writes down that a planned start became a run or was skipped.
     *
     * @param job the job as it was seen when the start was found to be due
     * @param planned the planned start
     * @return false when another start was written down meanwhile, and nothing was changed
     */
    public boolean handled(RegisteredJob job, Instant planned) {
        String sql = """
                UPDATE backfill.registration SET handled = CAST(:planned AS timestamptz)
                WHERE job = :job AND handled IS NOT DISTINCT FROM CAST(:before AS timestamptz)
                """;
        return database.jdbi()
                        .withHandle(
                                handle -> handle.createUpdate(database.tables().sql(sql))
                                        .bind("planned", planned.toString())
                                        .bind(
                                                "before",
                                                job.plan()
                                                        .handled()
                                                        .map(Instant::toString)
                                                        .orElse(null))
                                        .bind("job", job.name())
                                        .execute())
                > 0;
    }

    /**
     * What a job was registered with, also when it is no longer.
     *
     * @param job its name
     * @return empty when it was never registered
     */
    public Optional<Entry> entry(String job) {
        return database.jdbi().withHandle(handle -> entry(handle, job));
    }

    /** A job that this version of the program cannot read, as a newer one may have registered it, is passed over. */
    private Optional<RegisteredJob> readable(ResultSet row, StatementContext context) throws SQLException {
        try {
            return Optional.of(registered(row));
        } catch (UnreadableException e) {
            if (unreadable.add(String.valueOf(e.getMessage()))) {
                LOG.atWarn()
                        .addKeyValue("job", row.getString("job"))
                        .addKeyValue("reason", e.getMessage())
                        .log("job is left alone");
            }
            return Optional.empty();
        }
    }

    private RegisteredJob registered(ResultSet row) throws SQLException {
        int revision = row.getInt("revision");
        return new RegisteredJob(
                revisions.read(row.getString("job"), revision, row.getString("definition")),
                revision,
                row.getString("origin"),
                row.getTimestamp("since").toInstant(),
                new RegisteredJob.Plan(
                        row.getTimestamp("planned_since").toInstant(),
                        Optional.ofNullable(row.getTimestamp("handled")).map(Timestamp::toInstant)));
    }

    private void put(Handle handle, String job, int revision, String origin) {
        String sql = """
                INSERT INTO backfill.registration AS g (job, revision, origin) VALUES (:job, :revision, :origin)
                ON CONFLICT (job) DO UPDATE SET revision = excluded.revision, origin = excluded.origin,
                    active = true, since = clock_timestamp(),
                    planned_since = CASE WHEN g.active AND (
                        SELECT count(DISTINCT coalesce(j.definition->'schedule', '{}')) = 1 FROM backfill.job j
                        WHERE j.name = g.job AND j.revision IN (g.revision, excluded.revision))
                        THEN g.planned_since ELSE clock_timestamp() END
                """;
        handle.createUpdate(database.tables().sql(sql))
                .bind("job", job)
                .bind("revision", revision)
                .bind("origin", origin)
                .execute();
    }

    private Optional<Entry> entry(Handle handle, String job) {
        String sql = """
                SELECT g.revision, j.checksum, g.active, g.origin = 'file' AS by_file
                FROM backfill.registration g JOIN backfill.job j ON j.name = g.job AND j.revision = g.revision
                WHERE g.job = :job
                """;
        return handle.createQuery(database.tables().sql(sql))
                .bind("job", job)
                .map((row, context) -> new Entry(
                        row.getInt("revision"),
                        row.getString("checksum"),
                        row.getBoolean("active"),
                        row.getBoolean("by_file")))
                .findOne();
    }
}
