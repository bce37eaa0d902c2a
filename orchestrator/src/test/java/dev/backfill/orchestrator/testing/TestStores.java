package dev.backfill.orchestrator.testing;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.control.RunQueue;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.RevisionStore;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.run.RunTransitions;
import dev.backfill.orchestrator.run.SliceStore;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** The own tables in a database of their own. Each store is made anew, as another process has it. */
public final class TestStores implements AutoCloseable {

    /** In whose name is written what nobody else asked for. */
    public static final String WHO = "test";

    private final TestDatabase server;
    private final Database database;
    private final boolean own;

    /** The own tables in a new database. */
    public TestStores() throws SQLException {
        this(TestPostgres.newest().newDatabase(), true);
        SchemaMigrator.migrate(database);
    }

    private TestStores(TestDatabase server, boolean own) {
        this.server = server;
        this.own = own;
        Login login = new Login(server.jdbcUrl(), Optional.empty(), Optional.empty());
        this.database = new Database(
                requireNonNull(SettingsReader.forDatabase(login).databases().get("main")));
    }

    /** The same tables over connections of another process. */
    public TestStores beside() {
        return new TestStores(server, false);
    }

    /** Forgets everything. */
    public void clear() throws SQLException {
        server.execute("""
                DELETE FROM backfill.slice; DELETE FROM backfill.proof; DELETE FROM backfill.failure; DELETE FROM backfill.tuning;
                DELETE FROM backfill.tally;
                DELETE FROM backfill.run;
                DELETE FROM backfill.registration; DELETE FROM backfill.job; DELETE FROM backfill.file_sighting;
                DELETE FROM backfill.event; DELETE FROM backfill.switch
                """);
    }

    /** Registers a job of one revision and adds a run of it that is in this state, begun if the state says so. */
    public void addRun(String job, String id, RunState state) throws SQLException {
        jobs().register(TestJobs.job(job), "api", WHO);
        boolean begun = state != RunState.PENDING;
        server.execute("""
                INSERT INTO backfill.run (id, job, revision, state, paused_from, worker, "range", pass, started, finished)
                SELECT '%s', '%s', 1, s, CASE WHEN s = 'PAUSED' THEN 'RUNNING' END, 'daemons',
                    CASE WHEN %s THEN CAST('{}' AS jsonb) END, CAST(%s AS int),
                    CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END
                FROM (VALUES ('%s')) AS v(s)
                """.formatted(id, job, begun, begun, begun, !state.isUnfinished(), state));
    }

    /** One column of a run. */
    public String run(String id, String column) throws SQLException {
        return server.queryStrings("SELECT %s FROM backfill.run WHERE id = '%s'".formatted(column, id))
                .get(0);
    }

    /** Everything in the audit log, oldest first: who, what, from, to, why. */
    public List<String> log() throws SQLException {
        return server.queryStrings("""
                SELECT concat_ws(' | ', who, subject, coalesce("from", '-'), "to", detail->>'reason')
                FROM backfill.event ORDER BY id
                """);
    }

    /** The superuser's way to the database. */
    public TestDatabase server() {
        return server;
    }

    /** The way to the own tables. */
    public Database database() {
        return database;
    }

    /** The audit log. */
    public EventStore events() {
        return new EventStore(database, WHO);
    }

    /** The revisions. */
    public RevisionStore revisions() {
        return new RevisionStore(database, TestJobs.FILES);
    }

    /** The registered jobs. */
    public JobStore jobs() {
        return new JobStore(database, revisions(), events());
    }

    /** The queue. */
    public RunQueue queue() {
        return new RunQueue(database, events());
    }

    /** The runs. */
    public RunStore runs() {
        return new RunStore(database);
    }

    /** The ways of the runs. */
    public RunTransitions transitions() {
        return new RunTransitions(database, runs(), new SliceStore(database), events());
    }

    @Override
    public void close() throws SQLException {
        database.close();
        if (own) {
            server.close();
        }
    }
}
