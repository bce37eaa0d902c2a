package dev.backfill.orchestrator.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a table, read as PostgreSQL reads it: folded to lower case unless quoted, and only
 * in ASCII, as it is in UTF-8.
 *
 * @param schema the schema, when it was written
 * @param name the name itself, without quotes
 */
public record SqlName(Optional<String> schema, String name) {

    private static final Pattern ASCII_CAPITALS = Pattern.compile("[A-Z]+");
    private static final char BEYOND_ASCII = 0x80;

    /**
     * Reads a name as it would be written in SQL.
     *
     * @param text such as {@code public.orders} or {@code "Odd Schema"."Select From"}
     * @return the name
     * @throws IllegalArgumentException when the text is no name
     */
    public static SqlName parse(String text) {
        List<String> parts = parts(text);
        return switch (parts.size()) {
            case 1 -> new SqlName(Optional.empty(), parts.get(0));
            case 2 -> new SqlName(Optional.of(parts.get(0)), parts.get(1));
            default -> throw malformed(text);
        };
    }

    /**
     * Reads a column's name as it would be written in SQL.
     *
     * @param text such as {@code total_cents} or {@code "Total"}
     * @return the name without quotes, folded unless it was quoted
     * @throws IllegalArgumentException when the text is no single name
     */
    public static String parseColumn(String text) {
        List<String> parts = parts(text);
        if (parts.size() != 1) {
            throw malformed(text);
        }
        return parts.get(0);
    }

    /**
     * Quotes an identifier; the one place where that is done.
     *
     * @param identifier the name without quotes
     * @return the name as it can stand in SQL
     */
    public static String quote(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    /**
     * The name as it can stand in SQL.
     *
     * @return quoted, with its schema when it has one
     */
    public String quoted() {
        return schema.map(s -> quote(s) + ".").orElse("") + quote(name);
    }

    private static List<String> parts(String text) {
        List<String> parts = new ArrayList<>();
        int at = 0;
        while (true) {
            int end = endOfPart(text, at);
            parts.add(part(text, at, end));
            if (end == text.length()) {
                return parts;
            }
            if (text.charAt(end) != '.') {
                throw malformed(text);
            }
            at = end + 1;
        }
    }

    private static int endOfPart(String text, int start) {
        int at = start;
        if (at < text.length() && text.charAt(at) == '"') {
            at++;
            while (at < text.length()) {
                if (text.charAt(at) != '"') {
                    at++;
                } else if (at + 1 < text.length() && text.charAt(at + 1) == '"') {
                    at += 2;
                } else {
                    return at + 1;
                }
            }
            throw malformed(text);
        }
        while (at < text.length() && isNameCharacter(text.charAt(at), at == start)) {
            at++;
        }
        return at;
    }

    private static String part(String text, int start, int end) {
        if (start == end) {
            throw malformed(text);
        }
        if (text.charAt(start) != '"') {
            return fold(text.substring(start, end));
        }
        String inner = text.substring(start + 1, end - 1).replace("\"\"", "\"");
        if (inner.isEmpty()) {
            throw malformed(text);
        }
        return inner;
    }

    /** What is written without quotes, in lower case: outside of ASCII it stays as it is. */
    static String fold(String unquoted) {
        return ASCII_CAPITALS.matcher(unquoted).replaceAll(run -> run.group().toLowerCase(Locale.ROOT));
    }

    /** Whether a name can begin with it, without quotes. */
    static boolean isNameStart(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= BEYOND_ASCII;
    }

    private static boolean isNameCharacter(char c, boolean first) {
        return isNameStart(c) || (!first && ((c >= '0' && c <= '9') || c == '$'));
    }

    private static IllegalArgumentException malformed(String text) {
        return new IllegalArgumentException("not a name as SQL would write it: " + text);
    }
}
