package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Where a job works. An immutable value.
 *
 * @param databases configured names of databases, in which {@code *} stands for any text and {@code ?} for one character; empty
 *     when there is only one database. There is one run in each that is named
 * @param table the table as it would be written in SQL, with quotes where SQL wants them
 * @param range the part of the table, and the order in which it is gone through
 * @param shareTable whether it may run beside another job on the same table
 */
public record JobTarget(List<String> databases, String table, RangeDefinition range, boolean shareTable) {

    /** Copies the list and checks that no part is missing. */
    public JobTarget {
        databases = List.copyOf(databases);
        requireNonNull(table, "table");
        requireNonNull(range, "range");
    }

    /**
     * Whether the job names a database.
     *
     * @param database its configured name
     * @return false also when the job names none
     */
    public boolean names(String database) {
        return databases.stream().anyMatch(name -> matches(name, database));
    }

    /**
     * Whether a name or pattern means a database.
     *
     * @param pattern a name, in which {@code *} stands for any text and {@code ?} for one character
     * @param database the configured name of a database
     * @return true when it does
     */
    public static boolean matches(String pattern, String database) {
        String expression = pattern.codePoints()
                .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
                .collect(Collectors.joining());
        return Pattern.compile(expression, Pattern.DOTALL).matcher(database).matches();
    }
}
