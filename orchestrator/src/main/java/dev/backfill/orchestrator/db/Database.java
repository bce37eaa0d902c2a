package dev.backfill.orchestrator.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.sql.SqlName;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
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

    /**
     * Changes of state are on disk when they are done, and with them every batch before, whatever the role's default. A
     * session whose client is gone ends soon, and its locks with it.
     */
    private static final String CONTROL_SESSION = """
            SELECT set_config('application_name', 'backfill', false),
                   set_config('lock_timeout', '10s', false),
                   set_config('statement_timeout', '30s', false),
                   set_config('synchronous_commit', 'on', false),
                   set_config('idle_in_transaction_session_timeout', '5s', false),
                   set_config('client_connection_check_interval', '1s', false),
                   set_config('tcp_keepalives_idle', '5', false),
                   set_config('tcp_keepalives_interval', '5', false),
                   set_config('tcp_keepalives_count', '3', false),
                   set_config('default_transaction_isolation', 'read committed', false)
            """;

    private static final Duration PROBE_SOCKET_TIMEOUT = Duration.ofSeconds(4);
    private static final String PROBE_SESSION = """
            SELECT set_config('application_name', 'backfill monitor', false),
                   set_config('lock_timeout', '200ms', false),
                   set_config('statement_timeout', '2s', false),
                   set_config('default_transaction_read_only', 'on', false)
            """;

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
        this.tables = new OwnTables(settings.own().schema());
        HikariConfig pool = pool("control", CONTROL_STATEMENT_TIMEOUT, CONTROL_CONNECTIONS);
        pool.setConnectionInitSql(CONTROL_SESSION);
        this.control = new HikariDataSource(pool);
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
     * One connection of its own, past every pool: for first contact and for checks.
     *
     * @param session what the session is set to
     * @return an open connection, not in autocommit mode; the caller closes it
     * @throws SQLException with the server's or the driver's reason
     */
    public Connection connect(SessionSettings session) throws SQLException {
        Connection connection = dataSource(session.timeouts().batch()).getConnection();
        try {
            try (var statement = connection.createStatement()) {
                statement.execute(session.sql(connection.getMetaData().getDatabaseMajorVersion()));
            }
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
        HikariConfig pool = pool(session.applicationName(), session.timeouts().batch(), size);
        pool.setConnectionInitSql(session.sql(version));
        HikariDataSource opened = new HikariDataSource(pool);
        workers.removeIf(HikariDataSource::isClosed);
        workers.push(opened);
        return new WorkerSessions(opened);
    }

    /**
     * One connection of its own for looking at the database's health, past every pool, that waits for nothing long.
     *
     * @return an open connection in autocommit mode; the caller closes it
     * @throws SQLException with the server's or the driver's reason
     */
    public Connection connectProbe() throws SQLException {
        Connection connection = dataSource(PROBE_SOCKET_TIMEOUT).getConnection();
        try (var statement = connection.createStatement()) {
            statement.execute(PROBE_SESSION);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * Opens a small pool for the scheduler. It is closed with this database.
     *
     * @return connections that find the own tables without a schema's name
     */
    public synchronized DataSource openScheduler() {
        HikariConfig pool = pool("scheduler", CONTROL_STATEMENT_TIMEOUT, SCHEDULER_CONNECTIONS);
        pool.setConnectionInitSql(CONTROL_SESSION
                + ", set_config('search_path', '%s', false)"
                        .formatted(SqlName.quote(tables.schema()).replace("'", "''")));
        HikariDataSource opened = new HikariDataSource(pool);
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
     * A data source for the migration of the own tables.
     *
     * @return unpooled connections
     */
    DataSource forMigration() {
        return dataSource(Duration.ofMinutes(5));
    }

    private HikariConfig pool(String name, Duration socketTimeout, int size) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName(settings.name() + " " + name);
        pool.setDataSource(dataSource(socketTimeout));
        pool.setMaximumPoolSize(size);
        pool.setMinimumIdle(0);
        pool.setIdleTimeout(IDLE_TIMEOUT.toMillis());
        pool.setInitializationFailTimeout(-1);
        pool.setConnectionTimeout(CONNECTION_TIMEOUT.toMillis());
        return pool;
    }

    private PGSimpleDataSource dataSource(Duration socketTimeout) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(settings.login().url());
        settings.login().user().ifPresent(source::setUser);
        settings.login().password().ifPresent(source::setPassword);
        source.setConnectTimeout((int) CONNECTION_TIMEOUT.toSeconds());
        source.setSocketTimeout((int) Math.max(1, socketTimeout.toSeconds()));
        source.setTcpKeepAlive(true);
        source.setApplicationName("backfill");
        source.setAssumeMinServerVersion("14");
        return source;
    }
}
