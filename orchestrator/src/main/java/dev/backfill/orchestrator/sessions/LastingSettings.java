package dev.backfill.orchestrator.sessions;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Keeps the settings of a session that decide what a statement means, does and waits for: what a trigger, a function or a
 * processor has set for good, such as by {@code set_config('TimeZone', …, false)}, is set back, so that no batch depends on
 * those before it. Behind a transaction pooler each transaction is set anew, and this does nothing. For one worker.
 */
public final class LastingSettings {

    /** The role comes first: what follows may need its rights. */
    private static final List<String> NAMES = List.of(
            "role",
            "session_replication_role",
            "row_security",
            "search_path",
            "TimeZone",
            "timezone_abbreviations",
            "DateStyle",
            "IntervalStyle",
            "lc_monetary",
            "lc_numeric",
            "lc_time",
            "xmloption",
            "bytea_output",
            "extra_float_digits",
            "array_nulls",
            "standard_conforming_strings",
            "quote_all_identifiers",
            "transform_null_equals",
            "default_transaction_isolation",
            "default_transaction_read_only",
            "synchronous_commit",
            "lock_timeout",
            "statement_timeout",
            "idle_in_transaction_session_timeout");

    private static final String READ = NAMES.stream()
            .map(name -> "pg_catalog.current_setting('" + name + "')")
            .collect(Collectors.joining(", ", "SELECT ", ""));

    private Map<String, String> known = Map.of();

    /**
     * Takes the settings of a session as those that it shall have.
     *
     * @param connection outside of a transaction
     * @throws SQLException when the query fails
     */
    public void remember(Connection connection) throws SQLException {
        known = connection.isWrapperFor(PerTransaction.class) ? Map.of() : read(connection);
    }

    /**
     * Sets back what has changed since.
     *
     * @param connection the same session, outside of a transaction
     * @throws SQLException when a statement fails
     */
    public void restore(Connection connection) throws SQLException {
        if (known.isEmpty()) {
            return;
        }
        Map<String, String> changed = new LinkedHashMap<>(known);
        changed.entrySet().removeAll(read(connection).entrySet());
        if (!changed.isEmpty()) {
            new Parameters(changed).set(connection);
        }
    }

    private static Map<String, String> read(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(READ);
                ResultSet row = query.executeQuery()) {
            row.next();
            Map<String, String> values = new LinkedHashMap<>();
            for (int i = 0; i < NAMES.size(); i++) {
                values.put(NAMES.get(i), row.getString(i + 1));
            }
            return values;
        }
    }
}
