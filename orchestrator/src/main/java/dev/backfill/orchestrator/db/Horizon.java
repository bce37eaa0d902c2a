package dev.backfill.orchestrator.db;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * The transactions that are still open: as long as one that began before a horizon is, it can commit what nobody has seen.
 *
 * @see <a href="https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT">Transaction ID and
 *     Snapshot Information Functions</a>
 */
public final class Horizon {

    private static final String OPEN = """
            SELECT coalesce(string_agg(who, ', '), 'whose, a role with pg_monitor can see') FROM (
                SELECT 'pid ' || pid || coalesce(' (' || nullif(application_name, '') || ')', '') AS who
                FROM pg_catalog.pg_stat_activity
                WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                UNION ALL SELECT 'prepared ' || gid FROM pg_catalog.pg_prepared_xacts LIMIT 10) AS open
            """;

    private Horizon() {}

    /**
     * The horizon now.
     *
     * @param connection any session
     * @return the transaction id below which nothing that is seen now can still be open
     * @throws SQLException when the query fails
     */
    public static String now(Connection connection) throws SQLException {
        return one(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text");
    }

    /**
     * Whether every transaction below a horizon has ended.
     *
     * @param connection any session
     * @param horizon the transaction id
     * @return true from then on
     * @throws SQLException when the query fails
     */
    public static boolean isReached(Connection connection, String horizon) throws SQLException {
        String reached = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '" + horizon + "'::xid8";
        return one(connection, reached).equals("t");
    }

    /**
     * Who has a transaction open, for a message.
     *
     * @param connection any session
     * @return process ids, and names of prepared transactions
     * @throws SQLException when the query fails
     */
    public static String open(Connection connection) throws SQLException {
        return one(connection, OPEN);
    }

    private static String one(Connection connection, String query) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }
}
