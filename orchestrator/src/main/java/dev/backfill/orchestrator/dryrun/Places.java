package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Where in a range batches are tried. Reads only.
 *
 * @param statement the job on its table
 */
record Places(JobStatement statement) {

    private static final int QUARTERS = 4;

    /**
     * One place.
     *
     * @param name such as "at 1/4 of the range"
     * @param rest from there to the end of the range
     */
    record Place(String name, KeyRange rest) {}

    /** What is likely to differ most comes first; one place where a batch takes all there is. */
    List<Place> of(Connection connection, FrozenRange range) throws SQLException {
        Slicer slicer = new Slicer(statement);
        List<Place> places = new ArrayList<>();
        Optional<KeyRange> rows = slicer.rows(range);
        if (rows.isPresent()) {
            places.add(new Place("at the start", rows.get()));
            if (!isOneBatch(connection, rows.get())) {
                places.add(new Place(
                        "at the end",
                        new KeyRange(
                                beforeLast(connection, rows.get()), rows.get().upTo())));
                places.addAll(between(slicer.boundaries(connection, range, QUARTERS), rows.get()));
            }
        }
        range.nulls()
                .ifPresent(last -> places.add(new Place(
                        "among the rows without a value", new KeyRange(new KeyRange.After(Key.NULLS), last))));
        return places;
    }

    private boolean isOneBatch(Connection connection, KeyRange rows) throws SQLException {
        return new KeySearch(statement.tableName(), statement.key())
                .find(connection, rows, size())
                .key()
                .equals(rows.upTo());
    }

    /** Where there are too few different values to find the quarters, those that there are. */
    private static List<Place> between(List<Key> keys, KeyRange rows) {
        if (keys.size() == QUARTERS - 1) {
            return List.of(
                    place("at 1/2 of the range", keys.get(1), rows),
                    place("at 1/4 of the range", keys.get(0), rows),
                    place("at 3/4 of the range", keys.get(2), rows));
        }
        return keys.stream().map(key -> place("behind " + key, key, rows)).toList();
    }

    private static Place place(String name, Key from, KeyRange rows) {
        return new Place(name, new KeyRange(new KeyRange.After(from), rows.upTo()));
    }

    /** A batch's size before the end; the beginning, where there are fewer keys. */
    private KeyRange.Lower beforeLast(Connection connection, KeyRange rows) throws SQLException {
        List<KeyColumn> columns = statement.key().indexed()
                ? statement.key().columns()
                : List.of(statement.key().first());
        SqlFragment back = SqlFragment.builder()
                .code("SELECT " + columns.stream().map(KeyColumn::asText).collect(Collectors.joining(", ")) + " FROM ")
                .code(statement.tableName())
                .code(" AS t WHERE ")
                .add(rows.predicate(statement.key(), Optional.empty()))
                .code(KeyColumns.orderBy(columns, statement.key().order().reversed()))
                .code(" LIMIT 1 OFFSET " + (size() - 1))
                .build();
        return Statements.keys(connection, back).stream()
                .findFirst()
                .<KeyRange.Lower>map(KeyRange.At::new)
                .orElse(rows.lower());
    }

    private int size() {
        return statement.job().execution().batch().size();
    }
}
