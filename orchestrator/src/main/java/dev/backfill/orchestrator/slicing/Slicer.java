package dev.backfill.orchestrator.slicing;

import dev.backfill.api.RangeDefinition;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.TableFacts.Kind;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.From;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.KeyRange.Start;
import dev.backfill.orchestrator.sql.RangeValue;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Freezes a run's range and cuts it into slices. Reads only.
 *
 * @param statement the job on its table
 */
public record Slicer(JobStatement statement) {

    private static final int SLICES_PER_WORKER = 4;
    private static final int MOST_SLICES = 64;
    private static final long LEAST_ROWS_OF_A_SLICE = 1000;
    private static final Pattern PLAN_ROWS = Pattern.compile("\"Plan Rows\": *(\\d+)");

    /**
     * The range as it is now.
     *
     * @param connection any session
     * @return the job's start, the first key, the last key, the last key among the NULLs
     * @throws SQLException when a query fails
     */
    public FrozenRange freeze(Connection connection) throws SQLException {
        var range = statement.job().target().range();
        KeyColumn first = statement.key().first();
        SqlFragment.Builder inside =
                SqlFragment.builder().verbatim(first.quoted()).code(" IS NOT NULL");
        Optional<String> from = valueNow(connection, range.from());
        from.ifPresent(v -> bound(inside, " >= ", v));
        valueNow(connection, range.to()).ifPresent(v -> bound(inside, " < ", v));
        SqlFragment condition = inside.build();
        Optional<Key> nulls = Optional.empty();
        if (first.nullable() && !range.isBounded()) {
            SqlFragment isNull = SqlFragment.builder()
                    .verbatim(first.quoted())
                    .code(" IS NULL")
                    .build();
            nulls = lastOfNulls(connection, isNull);
        }
        return new FrozenRange(
                from,
                key(connection, condition, statement.key().columns(), "ASC"),
                key(connection, condition, statement.key().columns(), "DESC"),
                nulls);
    }

    /**
     * How many rows the planner expects in the range.
     *
     * @param connection any session
     * @param range the range
     * @return rows
     * @throws SQLException when a query fails
     */
    public long estimate(Connection connection, FrozenRange range) throws SQLException {
        if (!statement.job().target().range().isBounded()) {
            return planned(connection, Optional.empty()); // known of a table also where nothing is known of its columns
        }
        long rows = 0;
        if (range.end().isPresent()) {
            rows += planned(
                    connection,
                    Optional.of(new KeyRange(lower(range), range.end().get())));
        }
        if (range.nulls().isPresent()) {
            rows += planned(
                    connection,
                    Optional.of(new KeyRange(
                            new KeyRange.After(Key.NULLS), range.nulls().get())));
        }
        return rows;
    }

    /**
     * Contiguous slices over the whole range, more than there are workers.
     *
     * @param connection any session
     * @param range the range
     * @param estimatedRows how many rows are in it
     * @return the slices in order; none for an empty range
     * @throws SQLException when a query fails
     */
    public List<Bounds> cut(Connection connection, FrozenRange range, long estimatedRows) throws SQLException {
        List<Bounds> slices = new ArrayList<>();
        if (range.end().isPresent()) {
            long most = Math.min(
                    MOST_SLICES,
                    (long) SLICES_PER_WORKER * statement.job().execution().parallelism());
            int wanted = (int) Math.max(1, Math.min(most, estimatedRows / LEAST_ROWS_OF_A_SLICE));
            Optional<Key> from = Optional.empty();
            for (Key boundary : boundaries(connection, range, wanted)) {
                slices.add(new Bounds(from, boundary));
                from = Optional.of(boundary);
            }
            slices.add(new Bounds(from, range.end().get()));
        }
        range.nulls().ifPresent(end -> slices.add(new Bounds(Optional.of(Key.NULLS), end)));
        return slices;
    }

    /**
     * Where a range begins.
     *
     * @param range the range
     * @return its inclusive start, or the first row
     */
    public static Lower lower(FrozenRange range) {
        return range.from().<Lower>map(From::new).orElseGet(Start::new);
    }

    private List<Key> boundaries(Connection connection, FrozenRange range, int slices) throws SQLException {
        if (slices == 1) {
            return List.of();
        }
        boolean array = statement.key().first().type().endsWith("[]"); // unnest would take its elements apart
        List<Key> histogram = array ? List.of() : values(connection, histogram(range));
        if (histogram.size() >= slices) {
            List<Key> chosen = new ArrayList<>();
            for (int i = 1; i < slices; i++) {
                chosen.add(histogram.get((int) ((long) histogram.size() * i / slices)));
            }
            return chosen;
        }
        Optional<KeySpace> space = KeySpace.of(statement.key().first());
        return space.isEmpty() ? List.of() : values(connection, equalWidth(space.get(), range, slices));
    }

    private SqlFragment histogram(FrozenRange range) {
        KeyColumn first = statement.key().first();
        var name = statement.table().identity().name();
        String type = first.type();
        SqlFragment.Builder sql = SqlFragment.builder()
                .code("SELECT " + first.asText() + " FROM (SELECT DISTINCT unnest(histogram_bounds::text::text[]::")
                .code(type + "[]) AS " + first.quoted() + " FROM pg_catalog.pg_stats WHERE inherited = ")
                .code(statement.table().identity().kind() == Kind.PARTITIONED_TABLE ? "true" : "false")
                .code(" AND schemaname = ")
                .bind(name.schema().orElse(""), "text")
                .code(" AND tablename = ")
                .bind(name.name(), "text")
                .code(" AND attname = ")
                .bind(first.name(), "text")
                .code(") AS t WHERE ")
                .verbatim(first.quoted());
        return inside(sql, first, range)
                .code(KeyColumns.orderBy(List.of(first), "ASC"))
                .build();
    }

    private SqlFragment equalWidth(KeySpace space, FrozenRange range, int slices) {
        KeyColumn first = statement.key().first();
        String fraction = "i::numeric / " + slices;
        SqlFragment.Builder sql = SqlFragment.builder()
                .code("SELECT " + first.asText() + " FROM (SELECT DISTINCT " + space.between(first, fraction) + " AS "
                        + first.quoted() + " FROM (SELECT ")
                .bind(firstOf(range.start()), first.type())
                .code(" AS lo, ")
                .bind(firstOf(range.end()), first.type())
                .code(" AS hi) AS ends, generate_series(1, " + (slices - 1) + ") AS i) AS t WHERE ")
                .verbatim(first.quoted());
        return inside(sql, first, range)
                .code(KeyColumns.orderBy(List.of(first), "ASC"))
                .build();
    }

    private static SqlFragment.Builder inside(SqlFragment.Builder sql, KeyColumn first, FrozenRange range) {
        return sql.code(" >= ")
                .bind(firstOf(range.start()), first.type())
                .code(" AND ")
                .verbatim(first.quoted())
                .code(" < ")
                .bind(firstOf(range.end()), first.type());
    }

    /** What a relative time is at the start of the run, once for all of it. */
    private Optional<String> valueNow(Connection connection, Optional<String> written) throws SQLException {
        boolean time = statement.job().target().range().by() == RangeDefinition.Kind.TIME;
        Optional<RangeValue> value = written.map(w -> RangeValue.of(w, time)).filter(RangeValue::isRelative);
        if (value.isEmpty()) {
            return written;
        }
        String sql = "SELECT " + value.get().expression(statement.key().first().type()) + "::text";
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, value.get().parameter());
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return Optional.of(row.getString(1));
            }
        }
    }

    private static @Nullable String firstOf(Optional<Key> key) {
        return key.map(Key::first).orElse(null);
    }

    private void bound(SqlFragment.Builder sql, String operator, String value) {
        KeyColumn first = statement.key().first();
        sql.code(" AND ").verbatim(first.quoted()).code(operator).bind(value, first.type());
    }

    /** Without an index on the whole key, the NULLs are read once and sorted, never looked for along the primary key. */
    private Optional<Key> lastOfNulls(Connection connection, SqlFragment isNull) throws SQLException {
        if (statement.key().indexed() || statement.key().rest().isEmpty()) {
            return key(connection, isNull, statement.key().columns(), "DESC");
        }
        return values(
                        connection,
                        SqlFragment.builder()
                                .code("SELECT " + statement.key().select() + " FROM (SELECT * FROM ")
                                .verbatim(statement.tableName())
                                .code(" WHERE ")
                                .add(isNull)
                                .code(" OFFSET 0) AS t")
                                .code(KeyColumns.orderBy(statement.key().rest(), "DESC") + " LIMIT 1")
                                .build())
                .stream()
                .findFirst();
    }

    private Optional<Key> key(Connection connection, SqlFragment condition, List<KeyColumn> order, String direction)
            throws SQLException {
        return values(
                        connection,
                        SqlFragment.builder()
                                .code("SELECT " + statement.key().select() + " FROM ")
                                .verbatim(statement.tableName())
                                .code(" AS t WHERE ")
                                .add(condition)
                                .code(KeyColumns.orderBy(order, direction) + " LIMIT 1")
                                .build())
                .stream()
                .findFirst();
    }

    private long planned(Connection connection, Optional<KeyRange> range) throws SQLException {
        SqlFragment.Builder explain =
                SqlFragment.builder().code("EXPLAIN (FORMAT JSON) SELECT FROM ").verbatim(statement.tableName());
        range.ifPresent(r -> explain.code(" WHERE ").add(r.predicate(statement.key(), Optional.empty())));
        try (PreparedStatement query = Statements.prepare(connection, explain.build());
                ResultSet row = query.executeQuery()) {
            row.next();
            Matcher rows = PLAN_ROWS.matcher(row.getString(1));
            return rows.find() ? Long.parseLong(rows.group(1)) : 0;
        }
    }

    private static List<Key> values(Connection connection, SqlFragment sql) throws SQLException {
        List<Key> keys = new ArrayList<>();
        try (PreparedStatement query = Statements.prepare(connection, sql);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                keys.add(Statements.key(row));
            }
        }
        return keys;
    }
}
