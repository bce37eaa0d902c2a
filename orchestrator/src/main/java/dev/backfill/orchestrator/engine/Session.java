package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.throttle.Yielding;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one connection of a worker, replaced by a new one after a failure. One thread. */
final class Session implements AutoCloseable {

    /** Something done over a connection. */
    interface Use<T> {
        T over(Connection connection) throws SQLException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

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

    /** The same for what others may have to wait for: it is cancelled then. */
    <T> T useGivingWay(Yielding yielding, Use<T> use) throws SQLException {
        Connection open = connection();
        Runnable end = () -> {
            try {
                WorkerSessions.cancel(open);
            } catch (SQLException e) {
                LOG.atDebug().setCause(e).log("could not end a statement that somebody waits for");
            }
        };
        Yielding.Turn turn = yielding.begin(pool.process(open), end);
        try {
            return use(use);
        } finally {
            turn.close();
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
