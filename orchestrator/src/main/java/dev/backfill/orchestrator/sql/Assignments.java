package dev.backfill.orchestrator.sql;

import dev.backfill.orchestrator.sql.SqlFragment.Code;
import dev.backfill.orchestrator.sql.SqlFragment.Verbatim;
import dev.backfill.orchestrator.sql.SqlTemplate.Text;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds which columns a statement sets: in UPDATE, in ON CONFLICT DO UPDATE and in MERGE, at any depth of common table
 * expressions. One instance a statement.
 */
public final class Assignments {

    /**
     * A column that a statement sets.
     *
     * @param table the table's name without its schema
     * @param column the column's name
     */
    public record Assignment(String table, String column) {}

    private static final Pattern TOKEN = Pattern.compile("[a-zA-Z_[^\\x00-\\x7f]][a-zA-Z_0-9$[^\\x00-\\x7f]]*|[^\\s]");
    private static final Set<String> ENDS = Set.of("from", "where", "returning", "when", ";");

    private final List<String> tokens = new ArrayList<>();
    private final Set<Assignment> found = new LinkedHashSet<>();
    private int at;

    private Assignments() {}

    /**
     * Looks through a statement.
     *
     * @param template the statement
     * @return what it sets, in order
     */
    public static Set<Assignment> of(SqlTemplate template) {
        Assignments assignments = new Assignments();
        template.parts().forEach(assignments::tokenize);
        assignments.scan();
        return assignments.found;
    }

    /** Names keep a quote before them when they were quoted, so that none is taken for a keyword. */
    private void tokenize(SqlTemplate.Part part) {
        if (part instanceof Text text && text.piece() instanceof Code code) {
            Matcher token = TOKEN.matcher(code.text());
            while (token.find()) {
                tokens.add(SqlName.fold(token.group()));
            }
        } else if (part instanceof Text text && text.piece() instanceof Verbatim verbatim) {
            String sql = verbatim.text();
            if (sql.startsWith("\"")) {
                tokens.add("\"" + SqlName.parseColumn(sql));
            } else if (!sql.startsWith("--") && !sql.startsWith("/*")) {
                tokens.add("''");
            }
        } else {
            tokens.add("''");
        }
    }

    private void scan() {
        String into = "";
        while (at < tokens.size()) {
            String token = tokens.get(at++);
            if (token.equals("into")) {
                into = name();
            } else if (token.equals("update")) {
                String target = peek(0).equals("set") ? into : target();
                if (peek(0).equals("set")) {
                    at++;
                    assignments(target);
                }
            }
        }
    }

    private String target() {
        skip("only");
        String target = name();
        skip("*");
        skip("as");
        if (!peek(0).equals("set") && isName(peek(0))) {
            at++;
        }
        return target;
    }

    private void assignments(String table) {
        do {
            if (skip("(")) {
                while (isName(peek(0))) {
                    found.add(new Assignment(table, bare(tokens.get(at++))));
                    skip(",");
                }
            } else if (isName(peek(0))) {
                found.add(new Assignment(table, bare(tokens.get(at++))));
            }
        } while (skipExpression());
    }

    /** Goes to the next assignment; false when there is none. */
    private boolean skipExpression() {
        int depth = 0;
        while (at < tokens.size()) {
            String token = tokens.get(at);
            if (depth == 0 && (ENDS.contains(token) || (token.equals(")") && !peek(1).equals("=")))) {
                return false;
            }
            at++;
            switch (token) {
                case "(", "[" -> depth++;
                case ")", "]" -> depth = Math.max(0, depth - 1);
                case "," -> {
                    if (depth == 0) {
                        return true;
                    }
                }
                default -> {}
            }
        }
        return false;
    }

    private String name() {
        String name = "";
        while (isName(peek(0))) {
            name = bare(tokens.get(at++));
            if (!skip(".")) {
                break;
            }
        }
        return name;
    }

    private boolean skip(String token) {
        boolean there = peek(0).equals(token);
        at += there ? 1 : 0;
        return there;
    }

    private String peek(int ahead) {
        return at + ahead < tokens.size() ? tokens.get(at + ahead) : "";
    }

    private static boolean isName(String token) {
        return token.startsWith("\"") || (!token.isEmpty() && SqlName.isNameStart(token.charAt(0)));
    }

    private static String bare(String token) {
        return token.startsWith("\"") ? token.substring(1) : token;
    }
}
