package dev.backfill.orchestrator.registry;

import dev.backfill.api.RangeDefinition;
import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.Probe;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.RangeValue;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.sql.SqlName;
import dev.backfill.orchestrator.sql.SqlTemplate;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.postgresql.core.Parser;

/** Asks the server what it thinks of a job's bounds and statements, without running any; one instance a check. */
final class StatementCheck {

    private static final String TIMESTAMPTZ = "timestamp with time zone";

    private final JobStatement statement;
    private final Locations locations;
    private final Probe probe;
    private final List<Problem> problems = new ArrayList<>();

    private StatementCheck(JobStatement statement, Locations locations, Probe probe) {
        this.statement = statement;
        this.locations = locations;
        this.probe = probe;
    }

    /**
     * Checks a job whose key is known.
     *
     * @param statement the job on its table
     * @param locations where problems are
     * @param probe the session
     * @param plan whether statements are also planned, which asks for every right; false when a right is known to be
     *     missing
     * @return what the server does not accept
     * @throws SQLException when the answer could not be had
     */
    static List<Problem> problems(JobStatement statement, Locations locations, Probe probe, boolean plan)
            throws SQLException {
        StatementCheck check = new StatementCheck(statement, locations, probe);
        check.encoding();
        check.range();
        check.rules();
        check.ends();
        check.expressions(plan);
        if (check.problems.isEmpty()) {
            check.whole(plan);
        }
        return check.problems;
    }

    /**
     * How many statements the driver would send for a text; it cuts at every semicolon outside of quotes, comments and
     * parentheses.
     *
     * @param sql the text for a prepared statement
     * @return the number, without empty ones; 0 when the driver cannot read the text
     */
    static int statements(String sql) {
        try {
            return (int) Parser.parseJdbcSql(sql, true, true, true, false, false).stream()
                    .filter(query -> !query.nativeSql.isBlank())
                    .count();
        } catch (SQLException e) {
            return 0;
        }
    }

    /** A database without an encoding may hold texts that are none in any: such a key could not be gone behind. */
    private void encoding() throws SQLException {
        for (KeyColumn column : statement.key().columns()) {
            String isText = "SELECT pg_catalog.current_setting('server_encoding') = 'SQL_ASCII' AND EXISTS ("
                    + "SELECT FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype(?) AND typcollation <> 0)";
            if (probe.isTrue(isText, column.type())) {
                add(
                        "/range/column",
                        "the key's column " + column.quoted() + " holds text, and the database's encoding is SQL_ASCII",
                        "nothing says what its bytes mean; go by a column that is no text, or move the data to a"
                                + " database with an encoding");
            }
        }
    }

    /** With such a rule PostgreSQL does not do what the job says, and counts what was never changed. */
    private void rules() throws SQLException {
        String event = statement.job().work() instanceof Work.Update
                ? "2"
                : statement.job().work() instanceof Work.Delete ? "4" : "none";
        String rules = "SELECT rulename FROM pg_catalog.pg_rewrite WHERE ev_class = ?::oid AND is_instead"
                + " AND ev_enabled IN ('O', 'A') AND ev_type::text = ? ORDER BY 1";
        String oid = Long.toString(statement.table().identity().oid());
        for (String rule : probe.strings(rules, oid, event)) {
            add(
                    "/table",
                    "the rule " + SqlName.quote(rule) + " puts something else in place of the change",
                    "DROP RULE, or write what it does as `sql`");
        }
    }

    /** No single value says where a batch of a key of several columns begins or ends. */
    private void ends() {
        String columns =
                statement.key().columns().stream().map(KeyColumn::quoted).collect(Collectors.joining(", "));
        for (String place : statement.endsOfSeveralColumns()) {
            add("/sql", "`:" + place + "` needs a key of one column, and this run goes by " + columns, "use `:range`");
        }
    }

    private void range() throws SQLException {
        RangeDefinition range = statement.job().target().range();
        String type = statement.key().first().type();
        Optional<RangeValue> from = range.from().map(this::value);
        Optional<RangeValue> to = range.to().map(this::value);
        boolean readable = isReadable("/range/from", from, type);
        readable &= isReadable("/range/to", to, type);
        if (readable && from.isPresent() && to.isPresent()) {
            // Under the collation of the column, which only the column itself brings.
            String compare =
                    "SELECT a < b FROM (SELECT %1$s, %1$s FROM %2$s WHERE false UNION ALL SELECT %3$s, %4$s) AS ends (a, b)"
                            .formatted(
                                    statement.key().first().quoted(),
                                    statement.tableName(),
                                    from.get().expression(type),
                                    to.get().expression(type));
            if (answer(compare, from.get().parameter(), to.get().parameter()).equals(List.of("f"))) {
                add("/range/to", "range.to must be greater than range.from", "from is inclusive, to is exclusive");
            }
        }
        if (range.isBounded() && statement.key().first().nullable()) {
            nulls();
        }
    }

    private RangeValue value(String written) {
        return RangeValue.of(written, statement.job().target().range().by() == RangeDefinition.Kind.TIME);
    }

    private boolean isReadable(String pointer, Optional<RangeValue> value, String type) throws SQLException {
        if (value.isEmpty()) {
            return true;
        }
        String cast = "SELECT " + value.get().expression(type) + "::text";
        Optional<SQLException> failure =
                probe.failure(() -> probe.strings(cast, value.get().parameter()));
        failure.ifPresent(e -> add(pointer, SqlStates.message(e), "a value of type " + type + " is needed"));
        return failure.isEmpty();
    }

    private void nulls() throws SQLException {
        String column = statement.key().first().quoted();
        String query = "SELECT EXISTS (SELECT FROM " + statement.tableName() + " WHERE " + column + " IS NULL)";
        if (answer(query).equals(List.of("t"))) {
            add(
                    "/range/column",
                    "there are rows whose " + column + " is NULL",
                    "NULLs in the range column belong to the range only when from and to are left out");
        }
    }

    /** What the server answers; nothing when it does not, as without the right to read the table, which is said elsewhere. */
    private List<String> answer(String query, String... parameters) throws SQLException {
        List<String> answer = new ArrayList<>();
        Optional<SQLException> failure = probe.failure(() -> answer.addAll(probe.strings(query, parameters)));
        return failure.isEmpty() ? answer : List.of();
    }

    private void expressions(boolean plan) throws SQLException {
        if (statement.job().work() instanceof Work.Update update) {
            for (Map.Entry<String, String> assignment : update.set().entrySet()) {
                assignment(assignment.getKey(), assignment.getValue(), plan);
            }
            condition("/update/where", update.where(), plan);
        } else if (statement.job().work() instanceof Work.Delete delete) {
            condition("/delete/where", delete.where(), plan);
        }
        Optional<SqlFragment> remaining = statement.remaining(anyRange(), "now");
        if (remaining.isPresent() && locations.has("/verify/remaining")) {
            alone("/verify/remaining", remaining.get(), plan);
        }
    }

    private void assignment(String column, String expression, boolean plan) throws SQLException {
        String name = SqlName.parseColumn(column);
        if (statement.table().column(name).filter(c -> !c.generated()).isEmpty()) {
            return;
        }
        SqlFragment.Builder sql = SqlFragment.builder()
                .code("UPDATE ")
                .code(statement.tableName())
                .code(" SET ")
                .code(SqlName.quote(name))
                .code(" = (\n");
        alone(
                Locations.pointer("/update/set", column),
                sql.add(filled(expression)).code("\n) WHERE false").build(),
                plan);
    }

    private void condition(String pointer, String expression, boolean plan) throws SQLException {
        SqlFragment.Builder sql = SqlFragment.builder()
                .code("SELECT FROM ")
                .code(statement.tableName())
                .code(" WHERE (\n");
        alone(pointer, sql.add(filled(expression)).code("\n)").build(), plan);
    }

    /** Checks an expression for itself, so that the culprit is named; what is denied is said of the whole statement. */
    private void alone(String pointer, SqlFragment sql, boolean plan) throws SQLException {
        probe.refusal(sql, plan)
                .filter(e -> !SqlStates.isDenied(e))
                .ifPresent(e -> add(pointer, SqlStates.message(e), ""));
    }

    private void whole(boolean plan) throws SQLException {
        Optional<SQLException> refusal = Optional.empty();
        if (!(statement.job().work() instanceof Work.Custom)) {
            SqlFragment change = statement.change(new JobStatement.Batch(anyRange(), "now", false));
            if (statements(change.jdbc()) != 1) {
                refused("the finished statement is not one statement", "");
                return;
            }
            refusal = probe.refusal(change, plan);
        }
        Optional<SqlFragment> remaining = statement.remaining(anyRange(), "now");
        if (refusal.isEmpty() && remaining.isPresent()) {
            refusal = probe.refusal(remaining.get(), plan);
        }
        boolean denied = refusal.filter(SqlStates::isDenied).isPresent();
        if (refusal.isPresent() && (plan || !denied)) {
            String role = probe.string("SELECT quote_ident(current_user)");
            refused(SqlStates.message(refusal.get()), denied ? "the job runs as " + role + ": " + grant(role) : "");
        }
    }

    private String grant(String role) throws SQLException {
        String oid = Long.toString(statement.table().identity().oid());
        if (probe.isTrue(
                "SELECT pg_catalog.row_security_active(?::oid) AND pg_catalog.has_table_privilege(?::oid, 'SELECT')",
                oid,
                oid)) {
            return "rows that row-level security hides from it would be left out; ALTER ROLE " + role + " BYPASSRLS";
        }
        String right = statement.job().work() instanceof Work.Update ? "UPDATE" : "DELETE";
        return statement.job().work() instanceof Work.Sql || statement.job().work() instanceof Work.Custom
                ? "GRANT it what the statement needs"
                : "GRANT SELECT, " + right + " ON " + statement.tableName() + " TO " + role;
    }

    private void refused(String message, String hint) {
        String key = List.of("/update", "/delete", "/sql", "/processor").stream()
                .filter(locations::has)
                .findFirst()
                .orElse("");
        problems.add(locations.keyProblem(key, message, hint));
    }

    private SqlFragment filled(String expression) {
        return SqlTemplate.parse(expression)
                .fill(place -> SqlFragment.builder().bind(null, TIMESTAMPTZ).build());
    }

    /** A range in its most general form; its values are never sent. */
    private KeyRange anyRange() {
        int parts = statement.key().columns().size();
        return new KeyRange(
                new KeyRange.After(new Key(Collections.nCopies(parts, "0"))), new Key(Collections.nCopies(parts, "1")));
    }

    private void add(String pointer, String message, String hint) {
        problems.add(locations.problem(pointer, message, hint));
    }
}
