package dev.backfill.orchestrator.run;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.control.RunQueue;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The own tables in a database of their own, with one run of one job. */
final class RunFixture implements AutoCloseable {

    static final String RUN = "00000000-0000-7000-8000-000000000001";
    static final String OURS = "ours";
    static final String THEIRS = "theirs";
    static final Duration LEASE = Duration.ofMinutes(10);

    private final TestDatabase server;
    private final Database database;
    private final EventStore events;
    private final SliceStore slices;
    private final RunStore runs;
    private final RunTransitions transitions;
    private final List<Connection> connections = new ArrayList<>();

    RunFixture() throws SQLException {
        this.server = TestPostgres.newest().newDatabase();
        Login login = new Login(server.jdbcUrl(), Optional.empty(), Optional.empty());
        this.database = new Database(
                requireNonNull(SettingsReader.forDatabase(login).databases().get("main")));
        SchemaMigrator.migrate(database);
        server.execute("INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by)"
                + " VALUES ('fill', 1, '{}', 'sum', 'file', 'test')");
        this.events = new EventStore(database, "test");
        this.slices = new SliceStore(database);
        this.runs = new RunStore(database);
        this.transitions = new RunTransitions(database, runs, slices, events);
    }

    /** Adds a run of the job. */
    boolean insert(String id) {
        return new RunQueue(database, events).insert(RunQueue.NewRun.foreground(id, "fill", 1));
    }

    /** Forgets every run and adds a new one, PENDING. */
    void reset() throws SQLException {
        for (Connection connection : connections) {
            connection.close();
        }
        connections.clear();
        server.execute("TRUNCATE backfill.run CASCADE");
        insert(RUN);
    }

    /** Makes the run RUNNING, with slices that end at these keys. */
    void begin(String... ends) {
        List<Bounds> bounds = new ArrayList<>();
        Optional<Key> from = Optional.empty();
        for (String end : ends) {
            bounds.add(new Bounds(from, Key.of(end)));
            from = Optional.of(Key.of(end));
        }
        begin(bounds);
    }

    /** Makes the run RUNNING with these slices. */
    void begin(List<Bounds> bounds) {
        FrozenRange range = new FrozenRange(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        transitions
                .passes()
                .begin(
                        runs.find(RUN),
                        new Passes.Plan(range, bounds, new Passes.Rows(0, Optional.empty())),
                        new Run.TableWish(1, 1, false, List.of("\"id\" bigint")));
    }

    Checkpoints checkpoints() {
        return new Checkpoints(database.tables(), LEASE);
    }

    SliceLeases leases(String owner) {
        return leases(owner, LEASE);
    }

    SliceLeases leases(String owner, Duration lease) {
        return new SliceLeases(database.tables(), owner, lease);
    }

    SliceStore slices() {
        return slices;
    }

    RunStore runs() {
        return runs;
    }

    EventStore events() {
        return events;
    }

    RunTransitions transitions() {
        return transitions;
    }

    TestDatabase server() {
        return server;
    }

    /** A worker's connection, closed with the fixture at the latest. */
    Connection worker() throws SQLException {
        Connection connection = server.connect();
        connections.add(connection);
        return connection;
    }

    /** Everything that is known of a slice. */
    String slice(int number) throws SQLException {
        return server.queryStrings("SELECT s::text FROM backfill.slice s WHERE number = " + number)
                .get(0);
    }

    /** One column of a slice. */
    String slice(int number, String column) throws SQLException {
        return server.queryStrings("SELECT " + column + " FROM backfill.slice WHERE number = " + number)
                .get(0);
    }

    @Override
    public void close() throws SQLException {
        for (Connection connection : connections) {
            connection.close();
        }
        database.close();
        server.close();
    }
}
