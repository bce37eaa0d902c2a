package dev.backfill.orchestrator.stream;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The events behind which somebody goes on; as text such as {@code main:12,other:5}. Pure.
 *
 * @param positions the id of the last event that is behind, by the database's configured name
 */
public record Cursor(Map<String, Long> positions) {

    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");
    private static final String FORM = "`after` must be such as main:12,other:5, with the databases' names";

    /** Copies the positions. */
    public Cursor {
        positions = Map.copyOf(positions);
    }

    /**
     * Reads the text of a cursor.
     *
     * @param text what was said
     * @param isDatabase whether there is a database of a name
     * @return at least one position
     * @throws IllegalArgumentException that says what a cursor looks like, when this is none
     */
    public static Cursor parse(String text, Predicate<String> isDatabase) {
        SortedMap<String, Long> positions = new TreeMap<>();
        for (String part : text.split(",", -1)) {
            int colon = part.lastIndexOf(':');
            String database = decoded(part.substring(0, Math.max(0, colon)));
            String id = part.substring(colon + 1);
            if (!isDatabase.test(database) || !NUMBER.matcher(id).matches()) {
                throw new IllegalArgumentException(FORM);
            }
            positions.put(database, Long.parseLong(id));
        }
        return new Cursor(positions);
    }

    private static String decoded(String name) {
        try {
            return URLDecoder.decode(name, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    /**
     * The cursor as text.
     *
     * @return in the order of the names, of ASCII only
     */
    public String text() {
        return new TreeMap<>(positions)
                .entrySet().stream()
                        .map(e -> URLEncoder.encode(e.getKey(), StandardCharsets.UTF_8) + ":" + e.getValue())
                        .collect(Collectors.joining(","));
    }
}
