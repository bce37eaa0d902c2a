package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.RunBoard;
import dev.backfill.orchestrator.control.RunControl;
import dev.backfill.orchestrator.control.RunQueue;
import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.control.StopSwitch;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.RevisionStore;
import dev.backfill.orchestrator.registration.SightingStore;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.replication.ReplicationWatch;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.RunTransitions;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.throttle.DatabaseClock;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.tuning.Tuner;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/** One database put together. Safe for use by several threads. */
public final class Site implements AutoCloseable {

    private final Host host;
    private final Database database;
    private final DatabaseClock clock;
    private final RevisionStore revisions;
    private final JobStore jobs;
    private final SightingStore sightings;
    private final Stores stores;
    private final RunQueue queue;
    private final RunControl control;
    private final RunBoard board;
    private final HoldBook holds;
    private final StopSwitch stopSwitch;
    private final Pulse pulse;
    private final Workshop workshop;

    /**
     * Puts a database together; connects to nothing.
     *
     * @param host what all databases of this process share
     * @param settings the whole configuration
     * @param target the database
     */
    public Site(Host host, Settings settings, DatabaseSettings target) {
        Timing timing = host.timing();
        String owner = host.name() + "/" + ProcessHandle.current().pid() + "/" + UUID.randomUUID();
        this.host = host;
        this.database = new Database(target);
        this.clock = new DatabaseClock(timing);
        EventStore events = new EventStore(database, host.who());
        this.revisions = new RevisionStore(database, host.files());
        this.jobs = new JobStore(database, revisions, events);
        SliceStore slices = new SliceStore(database);
        RunStore runs = new RunStore(database);
        RunTransitions transitions = new RunTransitions(database, runs, slices, events);
        SliceLeases leases = new SliceLeases(database.tables(), owner, settings.lease());
        this.stores = new Stores(runs, transitions, slices, leases, events);
        this.queue = new RunQueue(database, events);
        this.control = new RunControl(runs, queue, transitions, this::registeredRevision, timing);
        this.holds = new HoldBook(timing, () -> clock.now().orElseGet(timing::now));
        this.board = new RunBoard(database, jobs, holds::of, timing);
        this.sightings = new SightingStore(database);
        this.stopSwitch = new StopSwitch(database, events);
        this.pulse = new Pulse(timing, stopSwitch, clock, settings.daemon().stopFile());
        this.workshop = new Workshop(host, database, stores, pulse, clock);
    }

    /** How the database is called in job files and messages. */
    public String name() {
        return database.settings().name();
    }

    /** How the database is reached, for messages; without a password. */
    public String address() {
        return database.settings().login().toString();
    }

    /** The configuration of the database. */
    public DatabaseSettings settings() {
        return database.settings();
    }

    /** Every revision there was of its jobs. */
    public RevisionStore revisions() {
        return revisions;
    }

    /** What is known of the checks of a job. */
    public RunStore.Checks checks(String job) {
        return stores.runs().checks(job);
    }

    /** The keys that its runs have set aside. */
    public Quarantine quarantine() {
        return stores.slices().quarantine();
    }

    /** What daemons saw of its jobs in their directories. */
    public SightingStore sightings() {
        return sightings;
    }

    /** Its registered jobs. */
    public JobStore jobs() {
        return jobs;
    }

    /** What people see of its runs. */
    public RunBoard board() {
        return board;
    }

    /** What people want of its runs. */
    public RunControl control() {
        return control;
    }

    /** Its queue of runs. */
    public RunQueue queue() {
        return queue;
    }

    /** Its own tables. */
    public Stores stores() {
        return stores;
    }

    /** Its clock. */
    public DatabaseClock clock() {
        return clock;
    }

    /** Its database. */
    public Database database() {
        return database;
    }

    HoldBook holds() {
        return holds;
    }

    Pulse pulse() {
        return pulse;
    }

    Host host() {
        return host;
    }

    /**
     * Stops everything in this database, or lets it go on; at once here, within a second elsewhere.
     *
     * @param stop whether to stop
     * @param cause by whom and why
     */
    public void stopEverything(boolean stop, Cause cause) {
        stopSwitch.set(stop, cause);
        pulse.beat();
    }

    /**
     * Checks a job against the live database. Reads only.
     *
     * @param job what its file says
     * @return whether it can run
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public LiveCheck.Result check(LoadedJob job) throws SQLException {
        return workshop.check(job);
    }

    /** What sets the pace of every run here: the governors that all jobs share. */
    public Throttle everything() {
        return workshop.everything();
    }

    /** What is read of its health: every signal that is on, also by the rules of a job whose run is driven here. */
    public List<SignalState> signals(Optional<String> job) {
        return workshop.signals(job);
    }

    /** Changes how its runs go while they are under way. */
    public Tuner tuner() {
        return workshop.tuner();
    }

    /** What is seen of its standbys. */
    public ReplicationWatch replication() {
        return workshop.replication();
    }

    /**
     * Forgets every standby of a name: it is gone for good.
     *
     * @param standby its application_name
     * @param cause by whom and why
     * @return false when none of that name was expected
     */
    public boolean forgetStandby(String standby, Cause cause) {
        return replication().standbys().forget(standby, stores.events().inNameOf(cause.who()), cause.reason());
    }

    Workshop workshop() {
        return workshop;
    }

    /**
     * What stands in the way of the own tables. Reads only.
     *
     * @return what is wrong and what to do; empty when they are there or can be created
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public Optional<String> obstacle() throws SQLException {
        return SchemaMigrator.obstacle(database);
    }

    /**
     * Brings the own tables up to date, unless they are.
     *
     * @throws SQLException when the database cannot be reached or answers nothing
     */
    public void migrate() throws SQLException {
        SchemaMigrator.migrate(database);
    }

    /** Looks whether the own tables are still there; whoever lost them in mid-work must not find new, empty ones. */
    void requireOwnTables() throws SQLException {
        SchemaMigrator.require(database);
    }

    /**
     * Adds a run that this process works in the foreground.
     *
     * @param job the job
     * @return the run; empty when another process was first
     */
    public Optional<Run> start(LoadedJob job) {
        String name = job.definition().name();
        int revision = revisions.add(job, host.who());
        String id = Run.newId(host.timing().now().toEpochMilli());
        return queue.insert(NewRun.foreground(id, name, revision))
                ? Optional.of(stores.runs().find(id))
                : Optional.empty();
    }

    /**
     * Drives a run that was begun in the foreground.
     *
     * @param run the run
     * @param statement its job on its table
     * @param listener hears what happens
     * @param stop ends it at the next batch boundary
     * @return the run as it is then: ended, paused, or unfinished when it was stopped
     * @throws SQLException when the database cannot be reached before anything is begun
     */
    public Run driveInForeground(Run run, JobStatement statement, RunListener listener, Stop stop) throws SQLException {
        pulse.beat();
        Stop ended = new Stop(host.timing());
        Dispatcher.startThread("pulse " + name(), () -> Dispatcher.beat(pulse, ended));
        workshop.watchHealth(ended);
        try {
            List<RunListener> both = List.of(holds.listener(run.revision().job()), listener);
            return workshop.drive(run, statement, new RunListener.Several(both), stop);
        } finally {
            ended.request();
        }
    }

    @Override
    public void close() {
        database.close();
    }

    private OptionalInt registeredRevision(String job) {
        return jobs.find(job).map(found -> OptionalInt.of(found.revision())).orElseGet(OptionalInt::empty);
    }
}
