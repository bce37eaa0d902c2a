package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.registry.JobStatement;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * What a batch does to its rows. Each worker has its own; only {@link #cancel} and {@link #watch} may be called from another
 * thread.
 */
public interface Change extends AutoCloseable {

    /**
     * One batch.
     *
     * @param run the run's id
     * @param batch which rows
     * @param keys how many keys the batch was cut for
     */
    record Request(String run, JobStatement.Batch batch, long keys) {}

    /**
     * Changes the rows of a batch, inside of the transaction that the connection is in.
     *
     * @param connection the worker's, not in autocommit mode
     * @param request which rows
     * @return how many rows were changed
     * @throws SQLException when that fails; the transaction is to be rolled back
     */
    long make(Connection connection, Request request) throws SQLException;

    /**
     * Cancels what is under way, if anything is. May be called from any thread.
     *
     * @throws SQLException when the server cannot be reached for it
     */
    void cancel() throws SQLException;

    /**
     * Cancels what is under way, if that has taken longer than the server by itself would see. To be called now and then,
     * from any thread.
     *
     * @throws SQLException when the server cannot be reached for it
     */
    void watch() throws SQLException;

    @Override
    void close();
}
