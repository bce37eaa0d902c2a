package dev.backfill.orchestrator.wal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Measures what a worker's batches write to the server's log: since version 18 by the server's own count for the session,
 * before by where the log stood before and after. One thread.
 */
public final class WalMeter {

    private static final int COUNTS_BY_SESSION = 18;

    private static final String POSITION = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN -1 ELSE"
            + " pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0') END";

    /** A session hands its counts in once a second only, unless it is told to. */
    private static final String HAND_IN = "SELECT pg_catalog.pg_stat_force_next_flush()";

    private static final String OWN = "SELECT coalesce((SELECT wal_bytes"
            + " FROM pg_catalog.pg_stat_get_backend_wal(pg_catalog.pg_backend_pid())), -1)";

    private @Nullable Connection session;
    private long before;

    /**
     * A batch begins.
     *
     * @param open its session, outside of any transaction
     * @throws SQLException when the server cannot say where its log stands
     */
    public void begin(Connection open) throws SQLException {
        if (!countsBySession(open)) {
            before = ask(open, POSITION);
        } else if (!open.equals(session)) {
            before = own(open);
            session = open;
        }
    }

    /**
     * It has ended, also when it was rolled back, which does not unwrite anything.
     *
     * @param open its session
     * @return unknown when the server does not say any more: what is wrong with the session is the next batch's
     */
    public Written end(Connection open) {
        long from = before;
        if (from < 0) {
            return Written.UNKNOWN;
        }
        try {
            boolean isOwn = countsBySession(open);
            before = isOwn ? own(open) : ask(open, POSITION);
            return new Written(from, before, isOwn);
        } catch (SQLException e) {
            session = null;
            return Written.UNKNOWN;
        }
    }

    private static long own(Connection open) throws SQLException {
        try (PreparedStatement handIn = open.prepareStatement(HAND_IN)) {
            handIn.execute();
        }
        return ask(open, OWN);
    }

    private static boolean countsBySession(Connection open) throws SQLException {
        return open.getMetaData().getDatabaseMajorVersion() >= COUNTS_BY_SESSION;
    }

    private static long ask(Connection open, String query) throws SQLException {
        try (PreparedStatement statement = open.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }
}
