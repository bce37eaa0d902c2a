package dev.backfill.api.processor;

/**
 * Changes the rows of a batch, inside of the transaction that also moves the checkpoint: what it changes through the
 * batch's connection is committed once, together with the checkpoint, or not at all.
 *
 * <p>Effects elsewhere are not part of that transaction, and may be done again: after a batch that was rolled back the same
 * rows come once more, perhaps in a smaller batch.
 *
 * <p>Found by {@link java.util.ServiceLoader}: the plugin's jar names the class in
 * {@code META-INF/services/dev.backfill.api.processor.Processor}, and a job file names it as {@code processor.type}. Each
 * worker has an instance of its own, whose methods are called by one thread after the other, never by two at once.
 */
public interface Processor extends AutoCloseable {

    /**
     * Takes the options of the job file. Called once, before anything else. It is also called when a job is checked, on an
     * instance that is closed without being given a batch: it should check what it is told and not change anything.
     *
     * @param options what the job file says under {@code processor.options}; what is never asked for is refused as an
     *     unknown option
     * @throws Options.Refusal when an option is missing or is not what it should be
     * @throws Exception when the options cannot be used for another reason, which refuses the job
     */
    default void configure(Options options) throws Exception {}

    /**
     * Changes the rows of a batch.
     *
     * <p>It may take as long as the job's {@code errors.statement-timeout}; then its thread is interrupted and the batch is
     * halved. Rows that it has locked are locked until the end: it should compute first and write last, in one statement.
     *
     * @param batch which rows, and how to reach them; not to be used afterwards
     * @return how many rows were changed, at least 0
     * @throws java.sql.SQLException as the connection threw it: what comes next depends on its SQLSTATE, as for a job in
     *     SQL
     * @throws RetryBatchException when the same batch, or a smaller one, should be tried again
     * @throws PauseRunException when somebody has to act first
     * @throws java.io.IOException when something outside cannot be reached: tried again like {@link RetryBatchException}
     * @throws Exception for everything else: the rows cannot be processed. The batch is halved down to the one that cannot,
     *     and that one is set aside within the job's {@code errors.quarantine}, or pauses the run
     */
    long process(Batch batch) throws Exception;

    /** Lets go of what it holds. Called once, at the end. */
    @Override
    default void close() {}
}
