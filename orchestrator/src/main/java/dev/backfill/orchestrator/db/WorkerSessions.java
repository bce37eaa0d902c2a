package dev.backfill.orchestrator.db;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;

/** The sessions of one run's workers. Safe for use by several threads. */
public final class WorkerSessions implements AutoCloseable {

    private final HikariDataSource pool;

    WorkerSessions(HikariDataSource pool) {
        this.pool = pool;
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
