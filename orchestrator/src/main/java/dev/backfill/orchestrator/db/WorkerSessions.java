package dev.backfill.orchestrator.db;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.postgresql.PGConnection;

/** The sessions of one run's workers. Safe for use by several threads. */
public final class WorkerSessions implements AutoCloseable {

    /** Ends a session that may not write: it could stay so when the database takes writes again. */
    static final class Evictions implements SQLExceptionOverride {

        private static final String READ_ONLY = "25006";

        @java.lang.Override
        public SQLExceptionOverride.Override adjudicate(SQLException e) {
            return READ_ONLY.equals(e.getSQLState())
                    ? SQLExceptionOverride.Override.MUST_EVICT
                    : SQLExceptionOverride.Override.CONTINUE_EVICT;
        }
    }

    private final HikariDataSource pool;
    private final boolean pooled;

    WorkerSessions(HikariDataSource pool, boolean pooled) {
        this.pool = pool;
        this.pooled = pooled;
    }

    /**
     * Takes a session; closing the connection gives it back.
     *
     * @return a connection in autocommit mode with the run's settings
     * @throws SQLException when none can be had
     */
    public Connection take() throws SQLException {
        return pool.getConnection();
    }

    /**
     * Allows so many at once; those that are more are closed when they are given back.
     *
     * @param sessions at least 1
     */
    public void allow(int sessions) {
        pool.setMaximumPoolSize(sessions);
    }

    /**
     * How long the server lets a session wait for a lock before it looks for a deadlock.
     *
     * @param session a session of this pool
     * @return its {@code deadlock_timeout}
     * @throws SQLException when it cannot be asked
     */
    public static Duration deadlockTimeout(Connection session) throws SQLException {
        String query = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'";
        try (PreparedStatement statement = session.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return Duration.ofMillis(row.getLong(1));
        }
    }

    /**
     * Which process of the server serves a session.
     *
     * @param session a session of this pool
     * @return its number; 0 behind a pooler, where that is another one for each transaction
     * @throws SQLException when the connection is closed
     */
    public int process(Connection session) throws SQLException {
        return pooled ? 0 : session.unwrap(PGConnection.class).getBackendPID();
    }

    /**
     * Cancels what a session does, from another thread; nothing when it does nothing.
     *
     * @param session a session of this pool
     * @throws SQLException when the server cannot be reached for it
     */
    public static void cancel(Connection session) throws SQLException {
        session.unwrap(PGConnection.class).cancelQuery();
    }

    /**
     * Ends a session instead of giving it back: for one whose state is not known.
     *
     * @param connection a connection of this pool
     */
    public void discard(Connection connection) {
        pool.evictConnection(connection);
    }

    @Override
    public void close() {
        pool.close();
    }
}
