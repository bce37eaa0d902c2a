package dev.backfill.api.processor;

import java.math.BigDecimal;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A row of a {@link RowProcessor}: what was read of it, and what is to be written. For one thread.
 *
 * <p>Values are text as PostgreSQL writes and reads it, whatever the column's type.
 */
public final class Row {

    private final List<@Nullable String> key;
    private final Map<String, @Nullable String> read;
    private final List<String> writes;
    private final Map<String, @Nullable String> written = new LinkedHashMap<>();

    Row(List<@Nullable String> key, Map<String, @Nullable String> read, List<String> writes) {
        this.key = key;
        this.read = read;
        this.writes = writes;
    }

    /**
     * The row's key.
     *
     * @return its parts in the order of {@link Batch#key}; null for a NULL
     */
    public List<@Nullable String> key() {
        return key;
    }

    /**
     * A value that was read.
     *
     * @param column one of {@link RowProcessor#reads} or {@link RowProcessor#writes}
     * @return the value; empty for NULL
     * @throws PauseRunException when the column is not read
     */
    public Optional<String> text(String column) {
        if (!read.containsKey(column)) {
            throw new PauseRunException("the column " + column + " is not among those that are read");
        }
        return Optional.ofNullable(read.get(column));
    }

    /**
     * A number that was read.
     *
     * @param column one of {@link RowProcessor#reads}, of a numeric type
     * @return the value; empty for NULL
     * @throws PauseRunException when the column is not read
     * @throws NumberFormatException when it is no number, such as NaN
     */
    public Optional<BigDecimal> number(String column) {
        return text(column).map(BigDecimal::new);
    }

    /**
     * Gives a column its new value. A row of which nothing is set is left as it is; of any other all of
     * {@link RowProcessor#writes} must be set.
     *
     * @param column one of {@link RowProcessor#writes}
     * @param value null for NULL; an array of bytes for {@code bytea}; of anything else its {@link Object#toString}
     * @throws PauseRunException when the column is not written, or the value is an {@link Optional} or another array
     */
    public void set(String column, @Nullable Object value) {
        if (!writes.contains(column)) {
            throw new PauseRunException("the column " + column + " is not among those that are written");
        }
        if (value != null && hasNoText(value)) {
            throw new PauseRunException("the value for the column " + column + " has no text: it is of "
                    + value.getClass().getSimpleName());
        }
        written.put(column, value == null ? null : value instanceof byte[] bytes ? hex(bytes) : value.toString());
    }

    private static boolean hasNoText(Object value) {
        return value instanceof Optional || (value.getClass().isArray() && !(value instanceof byte[]));
    }

    boolean isSet() {
        return !written.isEmpty();
    }

    @Nullable
    String seen(String column) {
        return read.get(column);
    }

    @Nullable
    String written(String column) {
        if (!written.containsKey(column)) {
            throw new PauseRunException("of a row the column " + column + " was not set, and others were");
        }
        return written.get(column);
    }

    private static String hex(byte... bytes) {
        return "\\x" + HexFormat.of().formatHex(bytes);
    }
}
