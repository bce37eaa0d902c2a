package dev.backfill.orchestrator.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.sessions.Parameters;
import dev.backfill.orchestrator.sessions.PooledConnection;
import dev.backfill.orchestrator.sessions.SessionSettings;
import dev.backfill.orchestrator.sessions.SharedSessions;
import dev.backfill.orchestrator.sessions.ShutDatabase;
import dev.backfill.orchestrator.sql.SqlName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.IntFunction;
import javax.sql.DataSource;
import org.jdbi.v3.core.Jdbi;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * One target database: a small pool for the own tables and a pool of workers' sessions for each run.
 *
 * <p>Safe for use by several threads. Nothing is connected before the first use; a server that is away is not an error
 * until a connection is asked for.
 */
public final class Database implements AutoCloseable {

    private static final int CONTROL_CONNECTIONS = 4;
    private static final int SCHEDULER_CONNECTIONS = 4;
    private static final Duration CONTROL_STATEMENT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(5);

    /** A server's connections are few, and a role's may be fewer: what was needed for a moment goes back soon. */
    private static final Duration IDLE_TIMEOUT = Duration.ofSeconds(30);

    private static final Duration PROBE_SOCKET_TIMEOUT = Duration.ofSeconds(4);
    private static final Duration MIGRATION_SOCKET_TIMEOUT = Duration.ofMinutes(5);

    private static final String UNKNOWN_POOLER = "two connections share a session of the server: a pooler gives each"
            + " transaction another one, and would run what one has prepared for the other. Nothing was done; set pooler ="
            + " transaction for this database, or let its url name the server itself";

    private final DatabaseSettings settings;
    private final OwnTables tables;
    private final HikariDataSource control;
    private final Jdbi jdbi;
    private final Deque<HikariDataSource> workers = new ArrayDeque<>();

    /**
     * Prepares the pools; connects to nothing.
     *
     * @param settings how the database is reached
     */
    public Database(DatabaseSettings settings) {
        this.settings = settings;
        this.tables = new OwnTables(settings.own().schema(), settings.login().pooled());
        this.control = new HikariDataSource(
                pool("control", Parameters.CONTROL, CONTROL_STATEMENT_TIMEOUT, CONTROL_CONNECTIONS));
        this.jdbi = Jdbi.create(control);
    }

    /**
     * How the database is reached.
     *
     * @return the settings that it was made of
     */
    public DatabaseSettings settings() {
        return settings;
    }

    /**
     * Where the own tables are.
     *
     * @return their schema
     */
    public OwnTables tables() {
        return tables;
    }

    /**
     * The way to the own tables.
     *
     * @return Jdbi over the control pool
     */
    public Jdbi jdbi() {
        return jdbi;
    }

    /**
     * One connection of its own, past our pools: for first contact and for checks.
     *
     * @param session what the session is set to
     * @return an open connection, not in autocommit mode; the caller closes it
     * @throws SQLException with the server's or the driver's reason
     */
    public Connection connect(SessionSettings session) throws SQLException {
        Connection connection = open(settings.login(), session.timeouts().batch(), session::parameters);
        try {
            connection.setAutoCommit(false);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * A session for the own tables and the catalog.
     *
     * @return a connection of the control pool, in autocommit mode; the caller closes it
     * @throws SQLException when none can be had
     */
    public Connection connect() throws SQLException {
        return control.getConnection();
    }

    /**
     * Looks for a pooler in transaction mode that the configuration does not know of.
     *
     * @return what is wrong and what to do, when one was seen
     * @throws SQLException when the database cannot be reached
     */
    public Optional<String> unknownPooler() throws SQLException {
        if (settings.login().pooled()) {
            return Optional.empty();
        }
        try (Connection one = control.getConnection();
                Connection other = control.getConnection()) {
            return SharedSessions.areSeenBy(one, other) ? Optional.of(UNKNOWN_POOLER) : Optional.empty();
        }
    }

    /**
     * Opens a pool of workers' sessions. It is closed with this database at the latest.
     *
     * @param session what each session is set to
     * @param size how many at once
     * @return connections in autocommit mode
     * @throws SQLException when the server's version cannot be read
     */
    public synchronized WorkerSessions openWorkers(SessionSettings session, int size) throws SQLException {
        int version;
        try (Connection connection = control.getConnection()) {
            version = connection.getMetaData().getDatabaseMajorVersion();
        }
        HikariDataSource opened = new HikariDataSource(pool(
                session.applicationName(),
                session.parameters(version),
                session.timeouts().batch(),
                size));
        workers.removeIf(HikariDataSource::isClosed);
        workers.push(opened);
        return new WorkerSessions(opened, settings.login().pooled());
    }

    /**
     * One connection of its own for looking at the database's health, past our pools, that waits for nothing long: of who
     * looks at it, where the configuration says who that is.
     *
     * @return an open connection in autocommit mode; the caller closes it
     * @throws SQLException with the server's or the driver's reason
     */
    public Connection connectProbe() throws SQLException {
        Login monitor = settings.work().monitor().orElse(settings.login());
        return open(monitor, PROBE_SOCKET_TIMEOUT, version -> Parameters.PROBE);
    }

    /**
     * A session of who creates the own tables, past a pooler where the configuration says how.
     *
     * @return an open connection in autocommit mode; the caller closes it
     * @throws SQLException when none can be had
     */
    public Connection connectOwner() throws SQLException {
        Optional<Login> owner = settings.own().owner();
        return owner.isPresent()
                ? open(owner.get(), CONTROL_STATEMENT_TIMEOUT, version -> Parameters.CONTROL)
                : connect();
    }

    /**
     * Opens a small pool for the scheduler. It is closed with this database.
     *
     * @return connections that find the own tables without a schema's name
     */
    public synchronized DataSource openScheduler() {
        Parameters parameters = Parameters.CONTROL.with("search_path", SqlName.quote(tables.schema()));
        HikariDataSource opened =
                new HikariDataSource(pool("scheduler", parameters, CONTROL_STATEMENT_TIMEOUT, SCHEDULER_CONNECTIONS));
        workers.push(opened);
        return opened;
    }

    /** Closes every pool, the workers' first. */
    @Override
    public synchronized void close() {
        workers.forEach(HikariDataSource::close);
        workers.clear();
        control.close();
    }

    /**
     * A data source for the migration of the own tables, which sets sessions as it likes.
     *
     * @return unpooled connections of who creates them; empty when there are none past a pooler
     */
    Optional<DataSource> forMigration() {
        Login login = settings.own().owner().orElse(settings.login());
        return login.pooled() ? Optional.empty() : Optional.of(dataSource(login, MIGRATION_SOCKET_TIMEOUT));
    }

    private Connection open(Login login, Duration socketTimeout, IntFunction<Parameters> parameters)
            throws SQLException {
        Connection connection = dataSource(login, socketTimeout).getConnection();
        try {
            Parameters set = parameters.apply(connection.getMetaData().getDatabaseMajorVersion());
            if (login.pooled()) {
                return PooledConnection.over(connection, set);
            }
            set.set(connection);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    private HikariConfig pool(String name, Parameters parameters, Duration socketTimeout, int size) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName(settings.name() + " " + name);
        DataSource source = dataSource(settings.login(), socketTimeout);
        if (settings.login().pooled()) {
            pool.setDataSource(PooledConnection.over(source, parameters));
        } else {
            pool.setDataSource(source);
            pool.setConnectionInitSql(parameters.forSession());
        }
        pool.setMaximumPoolSize(size);
        pool.setMinimumIdle(0);
        pool.setIdleTimeout(IDLE_TIMEOUT.toMillis());
        pool.setInitializationFailTimeout(-1);
        pool.setExceptionOverride(new WorkerSessions.Evictions());
        pool.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
        return pool;
    }

    private static DataSource dataSource(Login login, Duration socketTimeout) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(login.url());
        login.user().ifPresent(source::setUser);
        login.password().ifPresent(source::setPassword);
        source.setConnectTimeout((int) CONNECTION_TIMEOUT.toSeconds());
        source.setSocketTimeout((int) Math.max(1, socketTimeout.toSeconds()));
        source.setTcpKeepAlive(true);
        source.setApplicationName("backfill");
        source.setAssumeMinServerVersion("14");
        source.setLogServerErrorDetail(false); // it may hold rows of the user's, and what is thrown may be logged
        if (login.pooled()) {
            source.setPrepareThreshold(0); // what is prepared on one session of the server is not on the next
        }
        return ShutDatabase.over(source);
    }

    /**
     * The settings of a session that works for a job.
     *
     * @param job the job
     * @return with the job's time-outs and time zone, and the database's own
     */
    public SessionSettings session(JobDefinition job) {
        return session(job, job.execution().timeZone(), settings.session());
    }

    /**
     * The settings of a session that checks a job. The check itself sets the job's time zone, and says where it stands when
     * there is none of that name.
     *
     * @param job the job
     * @return as a worker's, but for the time zone
     */
    public SessionSettings checking(JobDefinition job) {
        return session(job, Optional.empty(), settings.session().forChecking());
    }

    private static SessionSettings session(JobDefinition job, Optional<String> zone, DatabaseSettings.Session session) {
        return new SessionSettings(
                "backfill/" + job.name(),
                new SessionSettings.Timeouts(
                        job.execution().errors().lockTimeout(),
                        job.execution().errors().statementTimeout()),
                zone.orElse(session.timeZone()),
                session);
    }
}
