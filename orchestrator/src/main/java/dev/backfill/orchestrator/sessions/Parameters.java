package dev.backfill.orchestrator.sessions;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Parameters of the server and what they are set to.
 *
 * @param values by the parameters' names, in the order in which they are set
 */
public record Parameters(Map<String, String> values) {

    private static final String ISOLATION = "default_transaction_isolation";
    private static final String READ_ONLY = "default_transaction_read_only";

    /**
     * What sessions for the own tables are set to. Changes of state are on disk when they are done, and with them every
     * batch before, whatever the role's default. A session whose client is gone ends soon, and its locks with it.
     */
    public static final Parameters CONTROL = none().with("application_name", "backfill")
            .with("lock_timeout", "10s")
            .with("statement_timeout", "30s")
            .with("synchronous_commit", "on")
            .with("idle_in_transaction_session_timeout", "5s")
            .with("client_connection_check_interval", "1s")
            .with("tcp_keepalives_idle", "5")
            .with("tcp_keepalives_interval", "5")
            .with("tcp_keepalives_count", "3")
            .with(ISOLATION, "read committed");

    /** What a session is set to that only looks, and waits for nothing long. */
    public static final Parameters PROBE = none().with("application_name", "backfill monitor")
            .with("lock_timeout", "200ms")
            .with("statement_timeout", "2s")
            .with(READ_ONLY, "on");

    /** Copies the map. */
    public Parameters {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * Nothing that is set.
     *
     * @return no parameter
     */
    public static Parameters none() {
        return new Parameters(Map.of());
    }

    /**
     * These and another.
     *
     * @param name of the parameter
     * @param value what it is set to
     * @return all of them, the new one last
     */
    public Parameters with(String name, String value) {
        return with(new Parameters(Map.of(name, value)));
    }

    /**
     * These and others.
     *
     * @param others which win
     * @return all of them
     */
    public Parameters with(Parameters others) {
        Map<String, String> all = new LinkedHashMap<>(values);
        all.putAll(others.values);
        return new Parameters(all);
    }

    /**
     * A duration as a value.
     *
     * @param duration at least a millisecond, for 0 would be none
     * @return in milliseconds
     */
    public static String milliseconds(Duration duration) {
        return Long.toString(Math.max(1, duration.toMillis()));
    }

    /**
     * The statement that sets a session to them.
     *
     * @return one SELECT
     */
    public String forSession() {
        return settings(values, false);
    }

    /**
     * The statements that begin a transaction with them, whose effect ends with it. How connections are kept alive is
     * left out: that of the server is the pooler's.
     */
    String forTransaction() {
        Map<String, String> local = new LinkedHashMap<>(values);
        local.keySet().removeIf(name -> name.startsWith("tcp_keepalives_"));
        String access = "on".equals(local.remove(READ_ONLY)) ? ", READ ONLY" : "";
        local.remove(ISOLATION);
        return "SET TRANSACTION ISOLATION LEVEL READ COMMITTED" + access + "; " + settings(local, true);
    }

    /**
     * Sets the session of a connection to them from now on; behind a pooler, each of its transactions from now on.
     *
     * @param connection in autocommit mode, outside of a transaction
     * @throws SQLException when the statement fails
     */
    public void set(Connection connection) throws SQLException {
        if (connection.isWrapperFor(PerTransaction.class)) {
            connection.unwrap(PerTransaction.class).add(this);
            return;
        }
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute(forSession());
        }
    }

    /**
     * What a parameter is set to.
     *
     * @param connection any session
     * @param name of the parameter
     * @return its value
     * @throws SQLException when the query fails
     */
    public static String read(Connection connection, String name) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT current_setting(?)")) {
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private static String settings(Map<String, String> values, boolean local) {
        return values.entrySet().stream()
                .map(v -> "set_config(" + literal(v.getKey()) + ", " + literal(v.getValue()) + ", " + local + ")")
                .collect(Collectors.joining(", ", "SELECT ", ""));
    }

    private static String literal(String value) {
        return "'" + value.replace("'", "''") + "'";
    }
}
