package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.TableFacts.Kind;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a range is cut into slices: by the histogram of its first column, without statistics by equal width, and where
 * the column's type has no distances, or all rows share a value of it, by keys of a sample.
 *
 * @param statement the job on its table
 */
record Boundaries(JobStatement statement) {

    /**
     * Finds them.
     *
     * @param connection any session
     * @param range the range
     * @param slices how many slices are wanted
     * @return the last keys of all slices but the last, in the run's order; fewer where the keys do not allow more
     * @throws SQLException when a query fails
     */
    List<Key> find(Connection connection, FrozenRange range, int slices) throws SQLException {
        if (slices == 1) {
            return List.of();
        }
        KeyColumn first = statement.key().first();
        boolean array = first.type().endsWith("[]"); // unnest would take its elements apart
        List<Key> histogram = array ? List.of() : Statements.keys(connection, histogram(range));
        if (histogram.size() >= slices) {
            return quantiles(histogram, slices);
        }
        Optional<KeySpace> space = KeySpace.of(first);
        List<Key> even =
                space.isEmpty() ? List.of() : Statements.keys(connection, equalWidth(space.get(), range, slices));
        return even.isEmpty() ? quantiles(sample(connection, range), slices) : even;
    }

    private List<Key> sample(Connection connection, FrozenRange range) throws SQLException {
        Slicer slicer = new Slicer(statement);
        KeySample sample = new KeySample(statement);
        return sample.keys(connection, slicer.rows(range).orElseThrow(), slicer.planned(connection, Optional.empty()));
    }

    private static List<Key> quantiles(List<Key> keys, int slices) {
        List<Key> chosen = new ArrayList<>();
        for (int i = 1; i < slices; i++) {
            int at = (int) ((long) keys.size() * i / slices);
            if (at < keys.size() && !chosen.contains(keys.get(at))) {
                chosen.add(keys.get(at));
            }
        }
        return chosen;
    }

    private SqlFragment histogram(FrozenRange range) {
        KeyColumn first = statement.key().first();
        var name = statement.table().identity().name();
        String type = first.type();
        // The column itself brings its collation, without which the keys would be in another order than its own.
        SqlFragment.Builder sql = SqlFragment.builder()
                .code("SELECT " + first.asText() + " FROM (SELECT ")
                .code(first.quoted())
                .code(" FROM ")
                .code(statement.tableName())
                .code(" WHERE false UNION SELECT unnest(histogram_bounds::text::text[]::" + type + "[])")
                .code(" FROM pg_catalog.pg_stats WHERE inherited = ")
                .code(statement.table().identity().kind() == Kind.PARTITIONED_TABLE ? "true" : "false")
                .code(" AND schemaname = ")
                .bind(name.schema().orElse(""), "text")
                .code(" AND tablename = ")
                .bind(name.name(), "text")
                .code(" AND attname = ")
                .bind(first.name(), "text")
                .code(") AS t WHERE ")
                .code(first.quoted());
        return inside(sql, range);
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
                .code(first.quoted());
        return inside(sql, range);
    }

    /** A boundary belongs to the slice before it: the last key of the run is none. */
    private SqlFragment inside(SqlFragment.Builder sql, FrozenRange range) {
        KeyColumn first = statement.key().first();
        boolean up = statement.key().order() == KeyOrder.ASC;
        return sql.code(up ? " >= " : " > ")
                .bind(firstOf(range.start()), first.type())
                .code(" AND ")
                .code(first.quoted())
                .code(up ? " < " : " <= ")
                .bind(firstOf(range.end()), first.type())
                .code(KeyColumns.orderBy(List.of(first), statement.key().order()))
                .build();
    }

    private static @Nullable String firstOf(Optional<Key> key) {
        return key.map(Key::first).orElse(null);
    }
}
