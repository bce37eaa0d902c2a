package dev.backfill.orchestrator.slicing;

import dev.backfill.api.RangeDefinition;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.RangeValue;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * The first and the last keys that a table has now. Reads only.
 *
 * @param statement the job on its table
 */
record RangeEnds(JobStatement statement) {

    /**
     * The range as it is now.
     *
     * @param now what relative times count from, in SQL
     */
    FrozenRange freeze(Connection connection, String now) throws SQLException {
        var range = statement.job().target().range();
        KeyColumn first = statement.key().first();
        SqlFragment.Builder inside = SqlFragment.builder().code(first.quoted()).code(" IS NOT NULL");
        Optional<String> from = value(connection, range.from(), now);
        from.ifPresent(v -> bound(inside, " >= ", v));
        value(connection, range.to(), now).ifPresent(v -> bound(inside, " < ", v));
        SqlFragment condition = inside.build();
        Optional<Key> nulls = Optional.empty();
        if (first.nullable() && !range.isBounded()) {
            SqlFragment isNull =
                    SqlFragment.builder().code(first.quoted()).code(" IS NULL").build();
            nulls = lastOfNulls(connection, isNull);
        }
        return new FrozenRange(
                from,
                key(connection, condition, statement.key().columns(), KeyOrder.ASC),
                key(connection, condition, statement.key().columns(), KeyOrder.DESC),
                nulls);
    }

    /** The largest key there is behind this one, below the end that the job names. */
    Optional<Key> beyond(Connection connection, Key end, String now) throws SQLException {
        KeyColumns key = statement.key();
        List<KeyColumn> order = end.isNull() && !key.indexed() ? key.rest() : key.columns();
        SqlFragment.Builder beyond = SqlFragment.builder().add(KeyRange.behind(key.columns(), KeyOrder.ASC, end));
        value(connection, statement.job().target().range().to(), now).ifPresent(to -> bound(beyond, " < ", to));
        return key(connection, beyond.build(), order, KeyOrder.DESC);
    }

    /** The smallest key there is before this one. */
    Optional<Key> below(Connection connection, Key start) throws SQLException {
        List<KeyColumn> columns = statement.key().columns();
        return key(connection, KeyRange.behind(columns, KeyOrder.DESC, start), columns, KeyOrder.ASC);
    }

    /** What a relative time is at the start of the run, and a local one in the session's zone, once for all of it. */
    private Optional<String> value(Connection connection, Optional<String> written, String now) throws SQLException {
        boolean time = statement.job().target().range().by() == RangeDefinition.Kind.TIME;
        KeyColumn first = statement.key().first();
        Optional<RangeValue> value =
                written.map(w -> RangeValue.of(w, time)).filter(v -> v.isRelative() || first.isInstant());
        if (value.isEmpty()) {
            return written;
        }
        String sql = "SELECT " + value.get().expression(first.type(), now) + "::text";
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, value.get().parameter());
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return Optional.of(row.getString(1));
            }
        }
    }

    private void bound(SqlFragment.Builder sql, String operator, String value) {
        KeyColumn first = statement.key().first();
        sql.code(" AND ").code(first.quoted()).code(operator).bind(value, first.type());
    }

    /** Without an index on the whole key, the NULLs are read once and sorted, never looked for along the primary key. */
    private Optional<Key> lastOfNulls(Connection connection, SqlFragment isNull) throws SQLException {
        if (statement.key().indexed() || statement.key().rest().isEmpty()) {
            return key(connection, isNull, statement.key().columns(), KeyOrder.DESC);
        }
        return Statements.keys(
                        connection,
                        SqlFragment.builder()
                                .code("SELECT " + statement.key().select() + " FROM (SELECT * FROM ")
                                .code(statement.tableName())
                                .code(" WHERE ")
                                .add(isNull)
                                .code(" OFFSET 0) AS t")
                                .code(KeyColumns.orderBy(statement.key().rest(), KeyOrder.DESC) + " LIMIT 1")
                                .build())
                .stream()
                .findFirst();
    }

    private Optional<Key> key(Connection connection, SqlFragment condition, List<KeyColumn> order, KeyOrder way)
            throws SQLException {
        return Statements.keys(
                        connection,
                        SqlFragment.builder()
                                .code("SELECT " + statement.key().select() + " FROM ")
                                .code(statement.tableName())
                                .code(" AS t WHERE ")
                                .add(condition)
                                .code(KeyColumns.orderBy(order, way) + " LIMIT 1")
                                .build())
                .stream()
                .findFirst();
    }
}
