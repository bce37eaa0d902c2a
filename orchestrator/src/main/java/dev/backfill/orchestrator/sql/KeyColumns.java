package dev.backfill.orchestrator.sql;

import java.util.List;
import java.util.stream.Collectors;

/**
 * The columns that a run goes by, in order.
 *
 * @param columns the range column, and behind it the primary key when the range column alone is not unique
 * @param unique whether the columns together name one row
 * @param indexed whether one index holds all of them in this order; without it a group of equal first values is gone
 *     through by the columns behind it
 * @param order which way the run goes; the rows whose range column is NULL come last, and ascending, either way
 */
public record KeyColumns(List<KeyColumn> columns, boolean unique, boolean indexed, KeyOrder order) {

    /** Copies the columns and checks that there is one. */
    public KeyColumns {
        columns = List.copyOf(columns);
        if (columns.isEmpty()) {
            throw new IllegalArgumentException("a key has at least one column");
        }
    }

    /** Columns that are gone through from the smallest key to the largest. */
    public KeyColumns(List<KeyColumn> columns, boolean unique, boolean indexed) {
        this(columns, unique, indexed, KeyOrder.ASC);
    }

    /** The same columns from the smallest key to the largest. */
    public KeyColumns ascending() {
        return new KeyColumns(columns, unique, indexed);
    }

    /**
     * The range column itself.
     *
     * @return the first column
     */
    public KeyColumn first() {
        return columns.get(0);
    }

    /**
     * The key's values as text, for a SELECT.
     *
     * @return expressions separated by commas
     */
    public String select() {
        return columns.stream().map(KeyColumn::asText).collect(Collectors.joining(", "));
    }

    /**
     * An order by some of the columns, for a query that calls the table {@code t}. Qualified, because a bare name in
     * ORDER BY means a column of the SELECT before one of the table, and there it is text.
     *
     * @param columns the columns
     * @param order which way
     * @return an ORDER BY clause
     */
    public static String orderBy(List<KeyColumn> columns, KeyOrder order) {
        return columns.stream()
                .map(c -> "t." + c.quoted() + " " + order)
                .collect(Collectors.joining(", ", " ORDER BY ", ""));
    }

    /**
     * The columns behind the first.
     *
     * @return the columns that order a group of equal first values; may be empty
     */
    public List<KeyColumn> rest() {
        return columns.subList(1, columns.size());
    }
}
