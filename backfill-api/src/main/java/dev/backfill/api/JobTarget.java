package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Optional;

/**
 * Where a job works.
 *
 * @param database the configured name of the database; empty when there is only one
 * @param table the table as it would be written in SQL, with quotes where SQL wants them
 * @param range the part of the table, and the order in which it is gone through
 * @param shareTable whether it may run beside another job on the same table
 */
public record JobTarget(Optional<String> database, String table, RangeDefinition range, boolean shareTable) {

    /** Checks that no part is missing. */
    public JobTarget {
        requireNonNull(database, "database");
        requireNonNull(table, "table");
        requireNonNull(range, "range");
    }
}
