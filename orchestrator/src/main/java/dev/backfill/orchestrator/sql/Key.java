package dev.backfill.orchestrator.sql;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A position in a table: the values of the range columns as text, in their order.
 *
 * <p>A key may have fewer parts than there are range columns; it then stands for the end of all rows that begin with
 * these values. A key whose first part is null lies among the rows whose range column is NULL; {@code [null]} alone,
 * as a lower end, is their beginning.
 *
 * <p>Equality is textual; order is only the database's.
 *
 * @param parts at least one value; null for SQL's NULL
 */
public record Key(List<@Nullable String> parts) {

    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
    private static final int MOST_SHOWN = 100;

    /** Copies the parts and checks that there is one. */
    public Key {
        parts = Collections.unmodifiableList(new ArrayList<>(parts));
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("a key has at least one part");
        }
    }

    /** The beginning, or for a table without a primary key the whole, of the rows whose range column is NULL. */
    public static final Key NULLS = new Key(Collections.singletonList(null));

    /**
     * A key of one part.
     *
     * @param part the value
     * @return the key
     */
    public static Key of(String part) {
        return new Key(List.of(part));
    }

    /**
     * The first part.
     *
     * @return its text, null among the NULLs
     */
    public @Nullable String first() {
        return parts.get(0);
    }

    /**
     * Whether the key lies among the rows whose range column is NULL.
     *
     * @return true when the first part is null
     */
    public boolean isNull() {
        return first() == null;
    }

    /**
     * The key for a message: without control characters, and cut where it is long.
     *
     * @return one line
     */
    @Override
    public String toString() {
        String text = parts.size() == 1 ? String.valueOf(first()) : parts.toString();
        String line = CONTROL.matcher(text).replaceAll("?");
        return line.length() <= MOST_SHOWN ? line : line.substring(0, MOST_SHOWN) + "...";
    }
}
