package dev.backfill.orchestrator.processor;

import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.sql.SqlTemplate;
import dev.backfill.orchestrator.sql.SqlTemplate.MalformedException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What SQL of a processor must not do: end the batch's transaction, or change the session that the next batch has. Pure. */
final class SessionRules {

    private static final Set<String> TRANSACTION = Set.of("begin", "start", "commit", "end", "abort");
    private static final Set<String> SESSION =
            Set.of("reset", "discard", "listen", "unlisten", "notify", "load", "prepare", "deallocate");
    private static final Pattern BACK_TO_SAVEPOINT = Pattern.compile("rollback( work| transaction)? to .*");
    private static final Pattern OWN_SETTING = Pattern.compile("set (local|constraints) .*");
    private static final Pattern LASTING_CURSOR = Pattern.compile("declare .* with hold .*");
    private static final Pattern TEMPORARY = Pattern.compile(
            "create (or replace )?(local |global )?(temp|temporary) .*|.* into (local |global )?(temp|temporary) .*");

    private SessionRules() {}

    /**
     * Looks through a text.
     *
     * @param sql one or more statements
     * @return why it is refused; empty when nothing is seen. What only the server understands is seen after the batch
     */
    static Optional<String> refusal(String sql) {
        for (String statement : code(sql).split(";", -1)) {
            Optional<String> refusal =
                    ofStatement(statement.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT));
            if (refusal.isPresent()) {
                return refusal;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> ofStatement(String statement) {
        String word = statement.split("\\W", 2)[0];
        boolean rollback =
                word.equals("rollback") && !BACK_TO_SAVEPOINT.matcher(statement).matches();
        if (TRANSACTION.contains(word) || rollback || statement.startsWith("prepare transaction")) {
            return Optional.of("the batch's transaction is the program's, and " + word.toUpperCase(Locale.ROOT)
                    + " is not for a processor");
        }
        boolean set = word.equals("set") && !OWN_SETTING.matcher(statement).matches();
        if (SESSION.contains(word) || set) {
            return Optional.of("the session is the program's, and " + word.toUpperCase(Locale.ROOT)
                    + " is not for a processor" + (set ? "; SET LOCAL is" : ""));
        }
        if (LASTING_CURSOR.matcher(statement).matches()) {
            return Optional.of("a cursor WITH HOLD would outlive the batch");
        }
        if (TEMPORARY.matcher(statement).matches() && !statement.contains("on commit drop")) {
            return Optional.of("a temporary table would outlive the batch; create it ON COMMIT DROP");
        }
        return Optional.empty();
    }

    /** Without quotes and comments, whose words mean nothing here. */
    private static String code(String sql) {
        try {
            return SqlTemplate.parse(sql).fill(place -> SqlFragment.of(" ")).pieces().stream()
                    .map(piece -> piece instanceof SqlFragment.Code code ? code.text() : " ")
                    .collect(Collectors.joining());
        } catch (MalformedException e) {
            return ""; // the server will say what is wrong with it
        }
    }
}
