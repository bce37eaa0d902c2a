package dev.backfill.api.processor;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads columns of a batch's rows, computes others in Java, and writes these back with one statement for the whole batch.
 *
 * <p>Nothing is locked while it computes. A row is written only if what was read of it, and what is written over, is still
 * as it was; one that somebody else has changed meanwhile is read and computed again.
 */
public abstract class RowProcessor implements Processor {

    private static final int ROUNDS = 3;

    /** Rows of one key may be several, of which some were written before: those are not computed again. */
    private static final String NOT_YET_WRITTEN =
            " AND %s.xmin::text::bigint <> pg_catalog.pg_current_xact_id()::text::numeric %% 4294967296";

    private Map<String, String> types = Map.of();

    /** For subclasses. */
    protected RowProcessor() {}

    /**
     * The columns that are read.
     *
     * @return their names, in the spelling of the catalog, without quotes
     */
    protected abstract List<String> reads();

    /**
     * The columns that are written; none of the run's key.
     *
     * @return their names, in the spelling of the catalog, without quotes, at least one
     */
    protected abstract List<String> writes();

    /**
     * Which rows need the change, usually the {@code verify.remaining} of the job. The columns that it looks at should be
     * among those that are read or written.
     *
     * @return an SQL condition on the table's columns
     */
    protected String where() {
        return "true";
    }

    /**
     * Computes a row: reads it by {@link Row#text} and gives values by {@link Row#set}.
     *
     * @param row the row
     * @throws Exception as {@link Processor#process} does
     */
    protected abstract void compute(Row row) throws Exception;

    /**
     * Computes all rows of a batch; to be overridden where many are better computed at once.
     *
     * @param rows at least one
     * @throws Exception as {@link Processor#process} does
     */
    protected void compute(List<Row> rows) throws Exception {
        for (Row row : rows) {
            compute(row);
        }
    }

    @Override
    public final long process(Batch batch) throws Exception {
        if (types.isEmpty()) {
            types = types(batch);
        }
        writes().stream().filter(batch.key()::contains).findFirst().ifPresent(column -> {
            throw new PauseRunException("the column " + column + " is part of the run's key and must not be written");
        });
        List<Row> due = read(batch, List.of());
        long changed = 0;
        for (int round = 1; !due.isEmpty(); round++) {
            compute(due);
            List<Row> set = due.stream().filter(Row::isSet).toList();
            Written written = set.isEmpty() ? new Written(0, List.of()) : write(batch, set);
            List<Row> missed = written.missed();
            changed += written.rows();
            if (missed.isEmpty()) {
                break;
            } else if (round == ROUNDS) {
                throw RetryBatchException.later(missed.size()
                        + " rows cannot be written, the first with the key "
                        + missed.get(0).key()
                        + ": others change them again and again, or a trigger keeps them as they are");
            }
            due = read(batch, missed);
        }
        return changed;
    }

    private static Map<String, String> types(Batch batch) throws SQLException {
        String sql = "SELECT attname, pg_catalog.format_type(atttypid, -1)"
                + " FROM pg_catalog.pg_attribute WHERE attrelid = CAST(? AS pg_catalog.regclass)"
                + " AND attnum > 0 AND NOT attisdropped";
        Map<String, String> types = new LinkedHashMap<>();
        try (PreparedStatement statement = batch.connection().prepareStatement(sql)) {
            statement.setString(1, batch.table());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    types.put(row.getString(1), row.getString(2));
                }
            }
        }
        return types;
    }

    /** The rows of a batch that need the change; of those that were missed before, if there are any. */
    private List<Row> read(Batch batch, List<Row> missed) throws SQLException {
        Set<List<@Nullable String>> wanted = missed.stream().map(Row::key).collect(Collectors.toSet());
        List<String> seen = seen();
        int keys = batch.key().size();
        String columns = Stream.concat(batch.key().stream(), seen.stream())
                .map(column -> batch.table() + "." + quoted(column) + "::text")
                .collect(Collectors.joining(", "));
        String sql = "SELECT " + columns + " FROM " + batch.table() + " WHERE " + batch.range() + " AND (\n" + where()
                + "\n)" + (missed.isEmpty() ? "" : NOT_YET_WRITTEN.formatted(batch.table()));
        List<Row> rows = new ArrayList<>();
        try (Statement statement = batch.connection().createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                List<@Nullable String> key = new ArrayList<>();
                for (int i = 1; i <= keys; i++) {
                    key.add(row.getString(i));
                }
                Map<String, @Nullable String> read = new LinkedHashMap<>();
                for (int i = 0; i < seen.size(); i++) {
                    read.put(seen.get(i), row.getString(keys + 1 + i));
                }
                if (missed.isEmpty() || wanted.contains(key)) {
                    rows.add(new Row(Collections.unmodifiableList(key), read, writes()));
                }
            }
        }
        return rows;
    }

    /**
     * What was written. Of rows that are alike, as they may be in a table without a unique key, one stands for all, and the
     * others seem to be missed.
     */
    private record Written(long rows, List<Row> missed) {}

    /** Writes rows that are still as they were read. */
    private Written write(Batch batch, List<Row> rows) throws SQLException {
        List<Function<Row, @Nullable String>> values = new ArrayList<>();
        for (int i = 0; i < batch.key().size(); i++) {
            int part = i;
            values.add(row -> row.key().get(part));
        }
        seen().forEach(column -> values.add(row -> row.seen(column)));
        writes().forEach(column -> values.add(row -> row.written(column)));
        Connection connection = batch.connection();
        BitSet places = new BitSet();
        long written = 0;
        try (PreparedStatement statement = connection.prepareStatement(update(batch, rows))) {
            for (int i = 0; i < values.size(); i++) {
                Object[] column = rows.stream().map(values.get(i)).toArray();
                statement.setArray(i + 1, connection.createArrayOf("text", column));
            }
            try (ResultSet done = statement.executeQuery()) {
                while (done.next()) {
                    places.set(done.getInt(1) - 1);
                    written++;
                }
            }
        }
        List<Row> missed = IntStream.range(0, rows.size())
                .filter(place -> !places.get(place))
                .mapToObj(rows::get)
                .toList();
        return new Written(written, missed);
    }

    /** The types are without their lengths: a value that is too long is refused, where a cast would cut it. */
    private String update(Batch batch, List<Row> rows) {
        List<String> names = new ArrayList<>();
        List<String> set = new ArrayList<>();
        List<String> same = new ArrayList<>();
        for (int i = 0; i < batch.key().size(); i++) {
            int part = i;
            String column = batch.key().get(i);
            long nulls =
                    rows.stream().filter(row -> row.key().get(part) == null).count();
            String equals = nulls == 0 ? " = " : " IS NOT DISTINCT FROM ";
            String value = name(names) + "::" + type(column);
            same.add(batch.table() + "." + quoted(column) + (nulls == rows.size() ? " IS NULL" : equals + value));
        }
        for (String column : seen()) {
            same.add(batch.table() + "." + quoted(column) + "::text IS NOT DISTINCT FROM " + name(names));
        }
        for (String column : writes()) {
            set.add(quoted(column) + " = " + name(names) + "::" + type(column));
        }
        String arrays = String.join(", ", Collections.nCopies(names.size(), "?::text[]"));
        return "UPDATE " + batch.table() + " SET " + String.join(", ", set) + " FROM ROWS FROM (unnest(" + arrays
                + ")) WITH ORDINALITY AS backfill_rows (" + String.join(", ", names) + ", backfill_place) WHERE "
                + batch.range() + " AND " + String.join(" AND ", same) + " RETURNING backfill_rows.backfill_place";
    }

    private static String name(List<String> names) {
        names.add("backfill_" + names.size());
        return "backfill_rows." + names.get(names.size() - 1);
    }

    private String type(String column) {
        String type = types.get(column);
        if (type == null) {
            throw new PauseRunException("the table has no column " + column);
        }
        return type;
    }

    /** What is read, and what is overwritten. */
    private List<String> seen() {
        return Stream.concat(reads().stream(), writes().stream()).distinct().toList();
    }

    private static String quoted(String column) {
        return '"' + column.replace("\"", "\"\"") + '"';
    }
}
