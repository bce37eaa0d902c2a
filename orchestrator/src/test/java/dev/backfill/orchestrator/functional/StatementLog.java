package dev.backfill.orchestrator.functional;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The statements that one session carried out, as a server says that logs all of them: each on one line, oldest first. */
record StatementLog(List<String> statements) {

    /** What the server has to be started with. */
    static final String[] SETTINGS = {"log_statement=all", "log_line_prefix=[%p]"};

    private static final Pattern STATEMENT =
            Pattern.compile("LOG:  (?:statement|execute [^:]*): (.*?)(?=\\n\\[|\\z)", Pattern.DOTALL);

    /** Of the session with this process, by the server's log. */
    static StatementLog of(int backend, String log) {
        List<String> statements = new ArrayList<>();
        Matcher statement = Pattern.compile(Pattern.quote("[" + backend + "]") + STATEMENT.pattern(), Pattern.DOTALL)
                .matcher(log);
        while (statement.find()) {
            statements.add(onOneLine(statement.group(1)));
        }
        return new StatementLog(statements);
    }

    /** What it has carried out last ends this text; nothing, when the text is empty. */
    boolean endsAsIn(String text) {
        return statements.isEmpty() ? text.isEmpty() : onOneLine(text).endsWith(last());
    }

    /** The last statement; empty when there is none. */
    String last() {
        return statements.isEmpty() ? "" : statements.get(statements.size() - 1);
    }

    /** Whether a statement with this part is in the last transaction. */
    boolean hasInItsLastTransaction(String part) {
        int begin = Math.max(0, statements.lastIndexOf("BEGIN"));
        return statements.subList(begin, statements.size()).stream().anyMatch(sql -> sql.contains(part));
    }

    private static String onOneLine(String sql) {
        return sql.strip().replaceAll("\\s+", " ");
    }
}
