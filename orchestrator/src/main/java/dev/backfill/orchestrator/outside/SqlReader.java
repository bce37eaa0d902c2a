package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.throttle.ProbeSession;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks the database a query of the user's, in a transaction that may only read and is rolled back. One thread. */
final class SqlReader implements SignalReader {

    private static final Set<Integer> NUMBERS = Set.of(
            Types.SMALLINT,
            Types.INTEGER,
            Types.BIGINT,
            Types.REAL,
            Types.FLOAT,
            Types.DOUBLE,
            Types.NUMERIC,
            Types.DECIMAL);

    /** Errors whose messages may hold what was read: of data, of rules for it, and raised by code of the user's. */
    private static final Pattern ABOUT_DATA = Pattern.compile("(22|23|P0|38|39).*");

    private static final Pattern OBJECT =
            Pattern.compile("permission denied for (schema|function|table|view) (\\S+).*");

    private final ProbeSession session;
    private final String query;

    /** Over a database; connects when it is asked first. */
    SqlReader(Database database, String query) {
        this.session = new ProbeSession(database);
        this.query = query;
    }

    @Override
    public Sample read() throws UnreadableException {
        try {
            Connection connection = session.open();
            connection.setAutoCommit(false);
            try {
                return new Sample("", ask(connection), "", Optional.empty());
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            session.close();
            throw new UnreadableException(why(e), SqlStates.isDenied(e));
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    private double ask(Connection connection) throws SQLException, UnreadableException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute("SET TRANSACTION READ ONLY");
            requirePrimary(statement);
            statement.setMaxRows(2);
            if (!statement.execute(query)) {
                throw new UnreadableException("its statement answers no rows");
            }
            double number;
            try (ResultSet rows = statement.getResultSet()) {
                number = number(rows);
            }
            if (statement.getMoreResults() || statement.getUpdateCount() >= 0) {
                throw new UnreadableException("its query is more than one statement");
            }
            return number;
        }
    }

    private static void requirePrimary(Statement statement) throws SQLException, UnreadableException {
        try (ResultSet row = statement.executeQuery("SELECT pg_catalog.pg_is_in_recovery()")) {
            if (row.next() && row.getBoolean(1)) {
                throw new UnreadableException("the server is in recovery: it is a standby now");
            }
        }
    }

    private static double number(ResultSet rows) throws SQLException, UnreadableException {
        int columns = rows.getMetaData().getColumnCount();
        if (columns != 1) {
            throw new UnreadableException("its query answers " + columns + " columns, not one");
        }
        if (!NUMBERS.contains(rows.getMetaData().getColumnType(1))) {
            throw new UnreadableException("its query answers "
                    + rows.getMetaData().getColumnTypeName(1) + ", which is not the type of a number");
        }
        if (!rows.next()) {
            throw new UnreadableException("its query answers no row");
        }
        double number = rows.getDouble(1);
        if (rows.wasNull()) {
            throw new UnreadableException("its query answers NULL");
        }
        if (!Double.isFinite(number)) {
            throw new UnreadableException("its query answers a number that is not finite");
        }
        if (rows.next()) {
            throw new UnreadableException("its query answers more than one row");
        }
        return number;
    }

    /** What would give who looks the right to read what the server says is forbidden; as far as it says so. */
    static String grant(String why, String role) {
        Matcher object = OBJECT.matcher(why);
        if (!object.find()) {
            return "GRANT " + role + " what the query reads";
        }
        String right = switch (object.group(1)) {
            case "schema" -> "USAGE ON SCHEMA ";
            case "function" -> "EXECUTE ON FUNCTION ";
            default -> "SELECT ON ";
        };
        return "GRANT " + right + object.group(2) + " TO " + role;
    }

    private static String why(SQLException e) {
        String state = SqlStates.state(e).orElse("");
        return ABOUT_DATA.matcher(state).matches()
                ? "its query fails with SQLSTATE " + state + "; the server's log has the message"
                : SqlStates.message(e);
    }

    @Override
    public void close() {
        session.close();
    }
}
