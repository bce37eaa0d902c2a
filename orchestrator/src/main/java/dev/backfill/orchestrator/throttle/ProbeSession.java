package dev.backfill.orchestrator.throttle;

import dev.backfill.orchestrator.db.Database;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The connection of a loop that looks at a server: opened when it is needed, and given up after a failure. One thread. */
public final class ProbeSession implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ProbeSession.class);

    private final Database database;
    private @Nullable Connection connection;

    /**
     * Not connected yet.
     *
     * @param database what is looked at
     */
    public ProbeSession(Database database) {
        this.database = database;
    }

    /**
     * The connection.
     *
     * @return in autocommit mode
     * @throws SQLException when there is none and none can be had
     */
    public Connection open() throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = database.connectProbe();
            connection = open;
        }
        return open;
    }

    @Override
    public void close() {
        Connection open = connection;
        connection = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException e) {
                LOG.atDebug().setCause(e).log("a probe's connection could not be closed");
            }
        }
    }
}
