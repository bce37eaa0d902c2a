package dev.backfill.api.processor;

import java.sql.Connection;
import java.time.Instant;
import java.util.List;

/** A batch as a processor sees it. Valid until {@link Processor#process} returns; for one thread. */
public interface Batch {

    /**
     * The connection of the batch's transaction, in the session's settings of the job. It refuses commit, rollback and
     * changes of the session; savepoints and {@code SET LOCAL} are allowed. Statements that are left open are closed after the
     * batch.
     *
     * @return the same for the whole batch
     */
    Connection connection();

    /**
     * Which rows, by the table's own columns.
     *
     * @return an SQL condition in parentheses, without parameters, for the WHERE of any statement on {@link #table}
     */
    String range();

    /**
     * Which rows, by an alias of the table.
     *
     * @param alias the alias as it stands in the statement
     * @return an SQL condition in parentheses, without parameters
     */
    String range(String alias);

    /**
     * The job's table.
     *
     * @return as it can stand in SQL: quoted, with its schema
     */
    String table();

    /**
     * The columns by which the run goes, at least one; together they are unique, but for a table that has no primary key.
     *
     * @return their names, in the spelling of the catalog, without quotes
     */
    List<String> key();

    /**
     * How many keys the batch was cut for.
     *
     * @return at least 1; rows that came in or went away meanwhile are not counted
     */
    long size();

    /**
     * The job's name.
     *
     * @return as in the job file
     */
    String job();

    /**
     * The run's id.
     *
     * @return a UUID in text
     */
    String run();

    /**
     * When the run started, by the database's clock; the same in each batch of the run.
     *
     * @return the instant that {@code :started} is in SQL
     */
    Instant started();
}
