package dev.backfill.orchestrator.db;

import dev.backfill.orchestrator.sql.Key;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** How values travel between Java and the own tables: keys as jsonb arrays of text, durations as intervals. */
public final class Stored {

    private Stored() {}

    /**
     * A key as a parameter for {@code to_jsonb(CAST(:key AS text[]))}.
     *
     * @param key null stays SQL's NULL
     * @return an array literal
     */
    public static @Nullable String literal(@Nullable Key key) {
        if (key == null) {
            return null;
        }
        StringJoiner array = new StringJoiner(",", "{", "}");
        for (String part : key.parts()) {
            array.add(part == null ? "NULL" : '"' + part.replace("\\", "\\\\").replace("\"", "\\\"") + '"');
        }
        return array.toString();
    }

    /**
     * A jsonb column as an array of text, for a SELECT.
     *
     * @param column as it stands in SQL
     * @return an expression
     */
    public static String select(String column) {
        return ("CASE WHEN jsonb_typeof(%1$s) = 'array' THEN"
                        + " ARRAY(SELECT e.v FROM jsonb_array_elements_text(%1$s) WITH ORDINALITY AS e(v, i) ORDER BY e.i) END")
                .formatted(column);
    }

    /**
     * Reads what {@link #select} gave.
     *
     * @param row the row
     * @param column its name in the row
     * @return the key; empty for SQL's NULL
     * @throws SQLException when the row cannot be read
     */
    public static Optional<Key> read(ResultSet row, String column) throws SQLException {
        Array array = row.getArray(column);
        return array == null ? Optional.empty() : Optional.of(new Key(Arrays.asList((String[]) array.getArray())));
    }

    /**
     * A condition: the lease is not over, and the backend that it was taken on is not gone.
     *
     * @param until the column of the lease's end
     * @param pid the column of the backend's process id
     * @param start the column of the backend's start
     * @return a condition in SQL
     */
    public static String live(String until, String pid, String start) {
        return """
                %1$s >= clock_timestamp() AND (%2$s IS NULL OR EXISTS (
                    SELECT FROM pg_catalog.pg_stat_activity a
                    WHERE a.pid = %2$s AND coalesce(a.backend_start = %3$s, true)))
                """.formatted(until, pid, start);
    }

    /**
     * A parameter for {@code CAST(:duration AS interval)}.
     *
     * @param duration in whole milliseconds
     * @return as PostgreSQL reads it
     */
    public static String interval(Duration duration) {
        return duration.toMillis() + " ms";
    }
}
