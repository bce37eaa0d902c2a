package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * The part of a table that a job goes through, {@code [from, to)} over the first of its columns.
 *
 * @param by whether the range column holds ids or instants
 * @param columns the range columns as they would be written in SQL; empty for the primary key
 * @param from the inclusive start as PostgreSQL would read it; empty for the beginning
 * @param to the exclusive end as PostgreSQL would read it; empty for all rows there are when the run starts
 * @param course how it is gone through
 */
public record RangeDefinition(
        Kind by, List<String> columns, Optional<String> from, Optional<String> to, Course course) {

    /** What the range column holds. */
    public enum Kind {
        /** A key: a number, a uuid, a text. */
        ID,
        /** A date or an instant. */
        TIME
    }

    /** Which way a range is gone through, in the database's order. */
    public enum Order {
        /** From the smallest key to the largest. */
        ASC,
        /** From the largest key to the smallest. */
        DESC
    }

    /**
     * How a range is gone through.
     *
     * @param order which way
     * @param follow whether rows that come in during the run are worked too, until it has caught up
     */
    public record Course(Order order, boolean follow) {
        /** Checks that no part is missing. */
        public Course {
            requireNonNull(order, "order");
        }
    }

    /** Checks that no part is missing and copies the columns. */
    public RangeDefinition {
        requireNonNull(by, "by");
        columns = List.copyOf(columns);
        requireNonNull(from, "from");
        requireNonNull(to, "to");
        requireNonNull(course, "course");
    }

    /**
     * Whether the range is cut at either end.
     *
     * @return true when {@code from} or {@code to} is given; rows whose range column is NULL are then no part of it
     */
    public boolean isBounded() {
        return from.isPresent() || to.isPresent();
    }
}
