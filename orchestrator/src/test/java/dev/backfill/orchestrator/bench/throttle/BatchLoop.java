package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/** A loop of a script: 500 rows a batch, prepared, a transaction each; after the last row it begins again. */
final class BatchLoop implements AutoCloseable {

    /** Rows of a batch. */
    static final int BATCH = 500;

    private final Connection connection;
    private final PreparedStatement update;
    private final long rows;
    private long last;

    BatchLoop(TestDatabase database, long rows) throws SQLException {
        this.connection = database.connect();
        this.update =
                connection.prepareStatement("UPDATE " + StandbyPlant.TABLE + " SET n = n + 1 WHERE id > ? AND id <= ?");
        this.rows = rows;
    }

    /** One batch. */
    void next() throws SQLException {
        if (last >= rows) {
            last = 0;
        }
        update.setLong(1, last);
        update.setLong(2, last + BATCH);
        update.executeUpdate();
        last += BATCH;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
