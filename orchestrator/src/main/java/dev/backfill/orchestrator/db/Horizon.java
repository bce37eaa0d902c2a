package dev.backfill.orchestrator.db;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * The transactions that are still open: as long as one that wrote before a horizon is, it can commit what nobody has seen.
 * One that has not written has no number yet, and holds nothing.
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

    /**
     * Readers stand in no batch's way, but in that of whoever wants the table for itself, behind whom the batches wait.
     * Sessions of the same name are the other workers of the run. The locks of a prepared transaction have no process, and
     * keep the virtual transaction of the one that prepared it.
     */
    private static final String LOCKING = """
            SELECT coalesce(string_agg(who || ' for ' || seconds || ' s', ', ' ORDER BY seconds DESC), 'nobody any more')
            FROM (
                SELECT DISTINCT coalesce('prepared ' || x.gid,
                           'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '')
                           || CASE WHEN l.granted THEN '' ELSE coalesce(', which waits for ' || (
                               SELECT string_agg('pid ' || b.pid || coalesce(' (' || nullif(b.application_name, '') || ')', ''), ' and ')
                               FROM pg_catalog.pg_stat_activity b
                               WHERE b.pid = ANY (pg_catalog.pg_blocking_pids(l.pid))) || ',', '') END) AS who,
                       floor(extract(epoch FROM clock_timestamp() - coalesce(x.prepared, a.xact_start, now()))) AS seconds
                FROM pg_catalog.pg_locks l
                LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
                LEFT JOIN pg_catalog.pg_locks p ON l.pid IS NULL AND p.pid IS NULL
                     AND p.locktype = 'transactionid' AND p.virtualtransaction = l.virtualtransaction
                LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = p.transactionid
                WHERE l.locktype = 'relation'
                  AND CASE WHEN l.granted THEN l.mode <> 'AccessShareLock'
                      ELSE l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') END
                  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                  AND (l.relation = %1$d OR l.relation IN (SELECT relid FROM pg_catalog.pg_partition_tree(%1$d::oid)))
                  AND l.pid IS DISTINCT FROM pg_backend_pid()
                  AND a.application_name IS DISTINCT FROM current_setting('application_name')
                ORDER BY seconds DESC LIMIT 5) AS locking
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

    /**
     * Who has locks on a table or on rows of it, for a message.
     *
     * @param connection a worker's session
     * @param table the table's number in the catalog
     * @return process ids, and names of prepared transactions, the oldest first
     * @throws SQLException when the query fails
     */
    public static String locking(Connection connection, long table) throws SQLException {
        return one(connection, LOCKING.formatted(table));
    }

    private static String one(Connection connection, String query) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }
}
