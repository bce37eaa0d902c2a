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
    private final long from;
    private final long to;
    private long last;

    /** Over the ids behind the first up to the second. */
    BatchLoop(TestDatabase database, long from, long to) throws SQLException {
        this.connection = database.connect();
        this.update =
                connection.prepareStatement("UPDATE " + StandbyPlant.TABLE + " SET n = n + 1 WHERE id > ? AND id <= ?");
        this.from = from;
        this.to = to;
        this.last = from;
    }

    /** One batch. */
    void next() throws SQLException {
        if (last >= to) {
            last = from;
        }
        update.setLong(1, last);
        update.setLong(2, Math.min(to, last + BATCH));
        update.executeUpdate();
        last += BATCH;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
