package dev.backfill.orchestrator.sql;

import dev.backfill.orchestrator.sql.SqlTemplate.MalformedException;
import dev.backfill.orchestrator.sql.SqlTemplate.Part;
import dev.backfill.orchestrator.sql.SqlTemplate.Place;
import dev.backfill.orchestrator.sql.SqlTemplate.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Cuts SQL into code, verbatim text and named places; one pass, one instance a text. */
final class SqlScanner {

    private static final Pattern DOLLAR_TAG = Pattern.compile("\\$([\\p{L}_][\\p{L}\\p{N}_]*)?\\$");
    private static final Pattern PLACE = Pattern.compile(
            ":([A-Za-z_][A-Za-z0-9_]*)(?:\\(\\s*(\"(?:[^\"]++|\"\")++\"|[A-Za-z_][A-Za-z0-9_$]*)\\s*\\))?");

    private final String sql;
    private final List<Part> parts = new ArrayList<>();
    private final StringBuilder code = new StringBuilder();
    private int at;
    private int parentheses;
    private int brackets;

    SqlScanner(String sql) {
        this.sql = sql;
    }

    List<Part> scan() {
        while (at < sql.length()) {
            step();
        }
        flush();
        if (parentheses > 0) {
            throw new MalformedException("a parenthesis is not closed");
        }
        return parts;
    }

    private void step() {
        char c = sql.charAt(at);
        switch (c) {
            case '\'' -> verbatim(endOfString(), "a string is not closed");
            case '"' -> verbatim(endOfQuotes('"', false), "a quoted name is not closed");
            case '-' -> comment("--");
            case '/' -> comment("/*");
            case '$' -> dollar();
            case ':' -> colon();
            default -> other(c);
        }
    }

    private void comment(String start) {
        if (!sql.startsWith(start, at)) {
            take(1);
        } else if (start.equals("--")) {
            verbatim(endOfLine(), "");
        } else {
            verbatim(endOfBlockComment(), "a comment is not closed");
        }
    }

    private void dollar() {
        Matcher tag = DOLLAR_TAG.matcher(sql).region(at, sql.length());
        boolean insideName = at > 0 && Character.isJavaIdentifierPart(sql.charAt(at - 1));
        if (insideName || !tag.lookingAt()) {
            take(1);
            return;
        }
        int close = sql.indexOf(tag.group(), tag.end());
        verbatim(close < 0 ? -1 : close + tag.group().length(), "a dollar quote is not closed");
    }

    private void colon() {
        if (sql.startsWith("::", at) || sql.startsWith(":=", at)) {
            take(2);
            return;
        }
        Matcher place = PLACE.matcher(sql).region(at, sql.length());
        if (brackets > 0 || !place.lookingAt()) {
            take(1);
            return;
        }
        flush();
        parts.add(new Place(place.group(1), Optional.ofNullable(place.group(2))));
        at = place.end();
    }

    private void other(char c) {
        switch (c) {
            case '(' -> parentheses++;
            case ')' -> parentheses--;
            case '[' -> brackets++;
            case ']' -> brackets--;
            default -> {}
        }
        if (parentheses < 0) {
            throw new MalformedException("a parenthesis is closed that was not open");
        }
        take(1);
    }

    private int endOfString() {
        boolean escapes = at > 0
                && (sql.charAt(at - 1) == 'E' || sql.charAt(at - 1) == 'e')
                && (at == 1 || !Character.isJavaIdentifierPart(sql.charAt(at - 2)));
        return endOfQuotes('\'', escapes);
    }

    private int endOfQuotes(char quote, boolean escapes) {
        int i = at + 1;
        while (i < sql.length()) {
            char c = sql.charAt(i);
            if (escapes && c == '\\') {
                i += 2;
            } else if (c != quote) {
                i++;
            } else if (i + 1 < sql.length() && sql.charAt(i + 1) == quote) {
                i += 2;
            } else {
                return i + 1;
            }
        }
        return -1;
    }

    /** As in PostgreSQL, a carriage return ends a line too. */
    private int endOfLine() {
        int i = at;
        while (i < sql.length() && sql.charAt(i) != '\n' && sql.charAt(i) != '\r') {
            i++;
        }
        return Math.min(i + 1, sql.length());
    }

    private int endOfBlockComment() {
        int depth = 1;
        int i = at + 2;
        while (i < sql.length()) {
            if (sql.startsWith("/*", i)) {
                depth++;
                i += 2;
            } else if (sql.startsWith("*/", i)) {
                i += 2;
                if (--depth == 0) {
                    return i;
                }
            } else {
                i++;
            }
        }
        return -1;
    }

    private void take(int characters) {
        code.append(sql, at, at + characters);
        at += characters;
    }

    private void verbatim(int end, String otherwise) {
        if (end < 0) {
            throw new MalformedException(otherwise);
        }
        flush();
        parts.add(new Text(new SqlFragment.Verbatim(sql.substring(at, end))));
        at = end;
    }

    private void flush() {
        if (!code.isEmpty()) {
            parts.add(new Text(new SqlFragment.Code(code.toString())));
            code.setLength(0);
        }
    }
}
