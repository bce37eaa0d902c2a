package dev.backfill.orchestrator.sql;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of keys in the order of a run: the rows of a slice or of a batch.
 *
 * @param lower where it begins
 * @param upTo the last key, inclusive; a key of fewer parts includes every row that begins with them
 */
public record KeyRange(Lower lower, Key upTo) {

    /** Where a range begins. */
    public sealed interface Lower {}

    /** At the first row of the table in the run's order. */
    public record Start() implements Lower {}

    /**
     * At a key, inclusive.
     *
     * @param key the key; one of fewer parts includes every row that begins with them
     */
    public record At(Key key) implements Lower {}

    /**
     * Behind a key, exclusive.
     *
     * @param key the key
     */
    public record After(Key key) implements Lower {}

    /**
     * The key behind which the range begins.
     *
     * @return empty when it begins at the first row of all, or at an end that somebody named
     */
    public Optional<Key> behind() {
        return lower instanceof After after ? Optional.of(after.key()) : Optional.empty();
    }

    /**
     * The predicate of all rows whose key is behind another, up to the end of the table.
     *
     * @param columns the columns of the key
     * @param order which way is up; ascending among the rows whose range column is NULL
     * @param end the key behind which they lie; among the rows whose range column is NULL when its own is
     * @return a condition in parentheses
     */
    public static SqlFragment behind(List<KeyColumn> columns, KeyOrder order, Key end) {
        SqlFragment.Builder sql = SqlFragment.builder().code("(");
        Predicate predicate = new Predicate(columns, end.isNull() ? KeyOrder.ASC : order, "");
        if (end.isNull()) {
            predicate.column(sql, 0).code(" IS NULL");
            predicate.rest(sql, end, Key.NULLS);
        } else {
            predicate.compare(sql, 0, order.behind(), end.parts());
        }
        return sql.code(")").build();
    }

    /**
     * The predicate of this range.
     *
     * @param key the columns it speaks of
     * @param alias what qualifies the columns, as written in SQL
     * @return a condition in parentheses
     */
    public SqlFragment predicate(KeyColumns key, Optional<String> alias) {
        String prefix = alias.map(a -> a + ".").orElse("");
        return new Predicate(key.columns(), order(key), prefix).render(this);
    }

    /**
     * Which way the range is gone through.
     *
     * @param key the columns it speaks of
     * @return the key's order; ascending among the rows whose range column is NULL
     */
    public KeyOrder order(KeyColumns key) {
        return upTo.isNull() ? KeyOrder.ASC : key.order();
    }

    private record Predicate(List<KeyColumn> columns, KeyOrder order, String prefix) {

        SqlFragment render(KeyRange range) {
            SqlFragment.Builder sql = SqlFragment.builder().code("(");
            @Nullable Key after = range.lower() instanceof After a ? a.key() : null;
            if (range.upTo().isNull()) {
                column(sql, 0).code(" IS NULL");
                rest(sql, after, range.upTo());
            } else if (after != null && after.parts().size() > 1 && sameGroup(after, range.upTo())) {
                column(sql, 0).code(" = ").bind(after.first(), columns.get(0).type());
                rest(sql, after, range.upTo());
            } else {
                lower(sql, range.lower());
                compare(sql, 0, order.upTo(), range.upTo().parts());
            }
            return sql.code(")").build();
        }

        private void lower(SqlFragment.Builder sql, Lower lower) {
            if (lower instanceof At at) {
                compare(sql, 0, order.fromOn(), at.key().parts());
                sql.code(" AND ");
            } else if (lower instanceof After after) {
                compare(sql, 0, order.behind(), after.key().parts());
                sql.code(" AND ");
            }
        }

        private void rest(SqlFragment.Builder sql, @Nullable Key after, Key upTo) {
            if (after != null && after.parts().size() > 1) {
                sql.code(" AND ");
                compare(sql, 1, order.behind(), after.parts());
            }
            if (upTo.parts().size() > 1) {
                sql.code(" AND ");
                compare(sql, 1, order.upTo(), upTo.parts());
            }
        }

        private void compare(SqlFragment.Builder sql, int from, String operator, List<@Nullable String> values) {
            boolean row = values.size() - from > 1;
            sql.code(row ? "(" : "");
            for (int i = from; i < values.size(); i++) {
                column(sql.code(i > from ? ", " : ""), i);
            }
            sql.code(row ? ")" + operator + "(" : operator);
            for (int i = from; i < values.size(); i++) {
                sql.code(i > from ? ", " : "")
                        .bind(values.get(i), columns.get(i).type());
            }
            sql.code(row ? ")" : "");
        }

        private SqlFragment.Builder column(SqlFragment.Builder sql, int index) {
            return sql.code(prefix + columns.get(index).quoted());
        }

        private static boolean sameGroup(Key after, Key upTo) {
            return Objects.equals(after.first(), upTo.first());
        }
    }
}
