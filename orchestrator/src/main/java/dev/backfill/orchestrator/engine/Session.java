package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.db.WorkerSessions;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** The one connection of a worker, replaced by a new one after a failure. One thread. */
final class Session implements AutoCloseable {

    /** Something done over a connection. */
    interface Use<T> {
        T over(Connection connection) throws SQLException;
    }

    private final WorkerSessions pool;
    private @Nullable Connection connection;
    private int generation;

    Session(WorkerSessions pool) {
        this.pool = pool;
    }

    /** The connection, opened when there is none. */
    Connection connection() throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = pool.take();
            connection = open;
            generation++;
        }
        return open;
    }

    /** Which connection it is, counted from 1: what was set on another is not set on this one. */
    int generation() {
        return generation;
    }

    /** Uses the connection; a failure may be the connection's, so the next use has a new one. */
    <T> T use(Use<T> use) throws SQLException {
        try {
            return use.over(connection());
        } catch (SQLException e) {
            close();
            throw e;
        }
    }

    /** Whether there is no connection that could be used. */
    boolean isLost() {
        try {
            return connection == null || connection.isClosed();
        } catch (SQLException e) {
            return true;
        }
    }

    /** Ends the connection, whatever its state: its settings are a batch's. */
    @Override
    public void close() {
        Connection broken = connection;
        if (broken != null) {
            pool.discard(broken);
            connection = null;
        }
    }
}
