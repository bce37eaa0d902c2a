package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.registry.JobStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** One statement a batch, which the job has written. */
public final class SqlChange implements Change {

    private final JobStatement job;
    private volatile @Nullable Statement running;

    /**
     * For one worker.
     *
     * @param job writes the statements
     */
    public SqlChange(JobStatement job) {
        this.job = job;
    }

    @Override
    public long make(Connection connection, Request request) throws SQLException {
        try (PreparedStatement statement = Statements.prepare(connection, job.change(request.batch()))) {
            running = statement;
            statement.execute();
            return Math.max(0, statement.getUpdateCount());
        } finally {
            running = null;
        }
    }

    @Override
    public void cancel() throws SQLException {
        Statement statement = running;
        if (statement != null) {
            statement.cancel();
        }
    }

    @Override
    public void watch() {} // the server's own time-outs end a statement

    @Override
    public void close() {}
}
