package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.After;
import dev.backfill.orchestrator.sql.KeyRange.At;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.KeyRange.Start;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Finds the key that ends a batch: by keyset, never by counting from the start of the table.
 *
 * <p>Where one index holds all key columns, the end is the n-th entry behind the last key. Where only the range column
 * is indexed, a batch takes whole groups of equal values as long as they fit; a group that is larger than a batch is
 * entered and gone through by the primary key, so that no batch reads the group from its start again.
 *
 * @param table the table, quoted
 * @param key the key columns
 */
public record KeySearch(String table, KeyColumns key) {

    /**
     * Where a batch ends.
     *
     * @param key its last key, inclusive
     * @param keys how many keys lie in it
     */
    public record End(Key key, long keys) {}

    /**
     * Finds the end of a batch.
     *
     * @param connection any session
     * @param range what is left of the slice
     * @param size how many keys the batch should take
     * @return the end, at most the range's own
     * @throws SQLException when a query fails
     */
    public End find(Connection connection, KeyRange range, int size) throws SQLException {
        boolean groups = !key.indexed() && !key.rest().isEmpty();
        if (groups && !range.upTo().isNull()) {
            return range.lower() instanceof After after && after.key().parts().size() > 1
                    ? insideGroup(connection, range, after.key(), size)
                    : wholeGroups(connection, range, size);
        }
        List<KeyColumn> order = groups ? key.rest() : key.columns();
        Optional<Key> end = first(connection, select(key.columns(), range, order), size - 1);
        if (end.isEmpty()) {
            return new End(range.upTo(), count(connection, range));
        }
        return new End(end.get(), key.unique() ? size : count(connection, new KeyRange(range.lower(), end.get())));
    }

    /**
     * Counts the keys of a range.
     *
     * @param connection any session
     * @param range the range
     * @return how many keys lie in it
     * @throws SQLException when the query fails
     */
    public long count(Connection connection, KeyRange range) throws SQLException {
        return count(connection, range.predicate(key, Optional.empty()));
    }

    private long count(Connection connection, SqlFragment condition) throws SQLException {
        return Statements.queryLong(
                connection,
                SqlFragment.builder()
                        .code("SELECT count(*) FROM ")
                        .code(table)
                        .code(" AS t WHERE ")
                        .add(condition)
                        .build());
    }

    private End insideGroup(Connection connection, KeyRange range, Key after, int size) throws SQLException {
        Key whole = new Key(after.parts().subList(0, 1));
        SqlFragment rest = SqlFragment.builder()
                .add(new KeyRange(range.lower(), whole).predicate(key, Optional.empty()))
                .code(" AND ")
                .add(new KeyRange(new Start(), range.upTo()).predicate(key, Optional.empty()))
                .build();
        Optional<Key> end = first(connection, select(key.columns(), rest, key.rest(), key.order()), size - 1);
        if (end.isPresent()) {
            return new End(end.get(), size);
        }
        long left = count(connection, rest);
        Key group = endOfGroup(connection, whole, range.upTo());
        if (left > 0 || group.equals(range.upTo())) {
            return new End(group, left);
        }
        return wholeGroups(connection, new KeyRange(new After(group), range.upTo()), size);
    }

    private End wholeGroups(Connection connection, KeyRange range, int size) throws SQLException {
        List<KeyColumn> firstColumn = List.of(key.first());
        KeyRange groups =
                new KeyRange(range.lower(), new Key(range.upTo().parts().subList(0, 1)));
        Optional<Key> crossed = first(connection, select(firstColumn, groups, firstColumn), size - 1);
        if (crossed.isEmpty()) {
            return new End(range.upTo(), count(connection, range));
        }
        Optional<Key> before = first(connection, below(range.lower(), crossed.get()), 0);
        if (before.isPresent()) {
            return new End(before.get(), count(connection, new KeyRange(range.lower(), before.get())));
        }
        SqlFragment entered = SqlFragment.builder()
                .code(key.first().quoted())
                .code(" = ")
                .bind(crossed.get().first(), key.first().type())
                .code(" AND ")
                .add(new KeyRange(beginning(range.lower()), range.upTo()).predicate(key, Optional.empty()))
                .build();
        Optional<Key> end = first(connection, select(key.columns(), entered, key.rest(), key.order()), size - 1);
        if (end.isPresent()) {
            return new End(end.get(), size);
        }
        Key group = endOfGroup(connection, crossed.get(), range.upTo());
        return new End(group, count(connection, new KeyRange(range.lower(), group)));
    }

    /** The run may begin inside of a group: at the largest key there was, on the way down. */
    private static Lower beginning(Lower lower) {
        return lower instanceof At at && at.key().parts().size() > 1 ? lower : new Start();
    }

    private SqlFragment below(Lower lower, Key crossed) {
        SqlFragment range = new KeyRange(lower, crossed).predicate(key, Optional.empty());
        return SqlFragment.builder()
                .code("SELECT " + key.first().asText() + " FROM ")
                .code(table)
                .code(" AS t WHERE ")
                .add(range)
                .code(" AND ")
                .code(key.first().quoted())
                .code(key.order().reversed().behind())
                .bind(crossed.first(), key.first().type())
                .code(KeyColumns.orderBy(List.of(key.first()), key.order().reversed()))
                .build();
    }

    private SqlFragment select(List<KeyColumn> columns, KeyRange range, List<KeyColumn> order) {
        return select(columns, range.predicate(key, Optional.empty()), order, range.order(key));
    }

    private SqlFragment select(List<KeyColumn> columns, SqlFragment condition, List<KeyColumn> order, KeyOrder way) {
        return SqlFragment.builder()
                .code("SELECT " + columns.stream().map(KeyColumn::asText).collect(Collectors.joining(", ")) + " FROM ")
                .code(table)
                .code(" AS t WHERE ")
                .add(condition)
                .code(KeyColumns.orderBy(order, way))
                .build();
    }

    /**
     * Where the group of a key ends, at most at a range's end. Whether the two lie in one group the database says: values
     * that are equal for it may differ as text, such as 1.0 and 1.00.
     */
    private Key endOfGroup(Connection connection, Key whole, Key upTo) throws SQLException {
        KeyColumn first = key.first();
        if (Objects.equals(whole.first(), upTo.first())) {
            return upTo;
        }
        SqlFragment same = SqlFragment.builder()
                .code("SELECT count(*) FROM (SELECT ") // the column itself brings its collation
                .code(first.quoted())
                .code(" FROM ")
                .code(table)
                .code(" WHERE false UNION ALL SELECT ")
                .bind(whole.first(), first.type())
                .code(") AS t WHERE ")
                .code(first.quoted())
                .code(" = ")
                .bind(upTo.first(), first.type())
                .build();
        return Statements.queryLong(connection, same) > 0 ? upTo : whole;
    }

    private static Optional<Key> first(Connection connection, SqlFragment query, int offset) throws SQLException {
        SqlFragment nth = SqlFragment.builder()
                .add(query)
                .code(" OFFSET ")
                .bind(Integer.toString(offset), "bigint")
                .code(" LIMIT 1")
                .build();
        try (PreparedStatement statement = Statements.prepare(connection, nth);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? Optional.of(Statements.key(row)) : Optional.empty();
        }
    }
}
