package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sends fragments to the server. */
public final class Statements {

    private Statements() {}

    /**
     * Prepares a fragment. The parameters go as text of no declared type, so that the server's cast reads them.
     *
     * @param connection any session
     * @param fragment the SQL and its parameters
     * @return a statement with its parameters set; the caller closes it
     * @throws SQLException when it cannot be prepared
     */
    public static PreparedStatement prepare(Connection connection, SqlFragment fragment) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(fragment.jdbc());
        try {
            List<SqlFragment.Bind> binds = fragment.binds();
            for (int i = 0; i < binds.size(); i++) {
                statement.setObject(i + 1, binds.get(i).value(), Types.OTHER);
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }

    /**
     * Executes what answers nothing, such as a setting.
     *
     * @param connection any session
     * @param sql one statement without parameters
     * @throws SQLException when it fails
     */
    public static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /**
     * Asks for one number.
     *
     * @param connection any session
     * @param query a SELECT of one bigint
     * @return the number of the first row
     * @throws SQLException when the query fails
     */
    public static long queryLong(Connection connection, SqlFragment query) throws SQLException {
        try (PreparedStatement statement = prepare(connection, query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /**
     * Asks for keys.
     *
     * @param connection any session
     * @param query a SELECT of nothing but keys, as text
     * @return in the query's order
     * @throws SQLException when the query fails
     */
    public static List<Key> keys(Connection connection, SqlFragment query) throws SQLException {
        List<Key> keys = new ArrayList<>();
        try (PreparedStatement statement = prepare(connection, query);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                keys.add(key(row));
            }
        }
        return keys;
    }

    /**
     * Reads a row of key columns.
     *
     * @param row a row that holds nothing but the key, as text
     * @return the key
     * @throws SQLException when the row cannot be read
     */
    public static Key key(ResultSet row) throws SQLException {
        List<@Nullable String> parts = new ArrayList<>();
        for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
            parts.add(row.getString(i));
        }
        return new Key(parts);
    }
}
