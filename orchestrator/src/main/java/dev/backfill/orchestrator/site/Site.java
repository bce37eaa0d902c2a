package dev.backfill.orchestrator.site;

import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.db.SessionSettings;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.RunContext;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.engine.RunContext.Surroundings;
import dev.backfill.orchestrator.engine.RunDriver;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.RunTransitions;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/** The program put together over one database: constructs in order, closes in reverse. */
public final class Site implements AutoCloseable {

    private final Database database;
    private final Timing timing;
    private final JobStore jobs;
    private final Stores stores;
    private final String who;

    /**
     * Puts the program together; connects to nothing.
     *
     * @param settings the whole configuration
     * @param target the database to work in
     */
    public Site(Settings settings, DatabaseSettings target) {
        String owner = host() + "/" + ProcessHandle.current().pid() + "/" + UUID.randomUUID();
        this.timing = Timing.system();
        this.who = System.getProperty("user.name", "unknown") + "@" + host();
        this.database = new Database(target);
        this.jobs = new JobStore(database);
        EventStore events = new EventStore(database, who);
        SliceStore slices = new SliceStore(database);
        RunStore runs = new RunStore(database, events);
        this.stores = new Stores(
                runs,
                new RunTransitions(database, runs, slices, events),
                slices,
                new SliceLeases(database.tables(), owner, settings.lease()),
                events);
    }

    /**
     * Checks a job against the live database. Reads only.
     *
     * @param job what its file says
     * @return whether it can run
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public LiveCheck.Result check(LoadedJob job) throws SQLException {
        try (Connection connection = database.connect(checking(job.definition()))) {
            return LiveCheck.check(job, connection);
        }
    }

    /**
     * What stands in the way of the own tables. Reads only.
     *
     * @param job the job whose session asks
     * @return what is wrong and what to do; empty when they are there or can be created
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public Optional<String> obstacle(LoadedJob job) throws SQLException {
        String schema = database.tables().schema();
        try (Connection connection = database.connect(checking(job.definition()))) {
            SchemaMigrator.State state = SchemaMigrator.state(connection, schema);
            if (state == SchemaMigrator.State.MIGRATED) {
                return Optional.empty();
            }
            boolean published = state == SchemaMigrator.State.ABSENT
                    && !database.settings().own().allTablesPublication();
            Optional<String> publication =
                    published ? SchemaMigrator.allTablesPublication(connection) : Optional.empty();
            return publication.isPresent() ? publication : SchemaMigrator.obstacle(connection, schema);
        }
    }

    /** Brings the own tables up to date. */
    public void migrate() {
        SchemaMigrator.migrate(database);
    }

    /**
     * The own tables.
     *
     * @return runs, slices, events
     */
    public Stores stores() {
        return stores;
    }

    /**
     * Registers a job and adds a run of it.
     *
     * @param job the job
     * @return the run; empty when another process was first
     */
    public Optional<Run> start(LoadedJob job) {
        String name = job.definition().name();
        int revision = jobs.register(job, "file", who);
        String id = Run.newId(System.currentTimeMillis());
        return stores.runs().insert(id, name, revision)
                ? Optional.of(stores.runs().find(id))
                : Optional.empty();
    }

    /**
     * Drives a run in the foreground.
     *
     * @param run the run
     * @param statement its job on its table
     * @param listener hears what happens
     * @param stop ends it at the next batch boundary
     * @return the run as it is then: ended, paused, or unfinished when it was stopped
     * @throws SQLException when the database cannot be reached before anything is begun
     */
    public Run drive(Run run, JobStatement statement, RunListener listener, Stop stop) throws SQLException {
        int connections = statement.job().execution().parallelism() + 1;
        try (WorkerSessions sessions = database.openWorkers(session(statement.job()), connections)) {
            Surroundings around = new Surroundings(timing, Site::random, listener, stop);
            return new RunDriver(new RunContext(run.id(), statement, stores, sessions, around)).drive(run);
        }
    }

    // Asked anew by each thread: the generator of one thread is not seeded in another.
    private static long random() {
        return ThreadLocalRandom.current().nextLong();
    }

    /** How time passes, for whoever draws progress. */
    public Timing timing() {
        return timing;
    }

    /** How the database is called in messages. */
    public String databaseName() {
        return database.settings().login().toString();
    }

    @Override
    public void close() {
        database.close();
    }

    private SessionSettings session(JobDefinition job) {
        return session(
                job,
                job.execution().timeZone().orElse(database.settings().session().timeZone()));
    }

    /** The check itself sets the job's time zone, and says where it stands when there is none of that name. */
    private SessionSettings checking(JobDefinition job) {
        return session(job, database.settings().session().timeZone());
    }

    private SessionSettings session(JobDefinition job, String timeZone) {
        return new SessionSettings(
                "backfill/" + job.name(),
                new SessionSettings.Timeouts(
                        job.execution().errors().lockTimeout(),
                        job.execution().errors().statementTimeout()),
                timeZone,
                database.settings().session());
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
