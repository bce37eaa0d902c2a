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
    private long before = -1;

    /**
     * A batch begins.
     *
     * @param open its session, outside of any transaction
     * @param isPinned whether one session of the server's serves it for as long as it is open, and no pooler hands it another
     * @throws SQLException when the server does not say where its log stands; the batch goes unmeasured then
     */
    public void begin(Connection open, boolean isPinned) throws SQLException {
        boolean isOwn = isPinned && open.getMetaData().getDatabaseMajorVersion() >= COUNTS_BY_SESSION;
        if (isOwn && open.equals(session) && before >= 0) {
            return; // as the batch before has left it
        }
        forget();
        before = isOwn ? own(open) : ask(open, POSITION);
        session = isOwn ? open : null;
    }

    /** A batch goes unmeasured: what it writes is no other's. */
    public void forget() {
        session = null;
        before = -1;
    }

    /**
     * The batch has ended, also when it was rolled back, which does not unwrite anything.
     *
     * @param open its session
     * @return unknown when the server does not say: what is wrong with the session is the next batch's
     */
    public Written end(Connection open) {
        long from = before;
        boolean isOwn = session != null;
        if (from < 0) {
            return Written.UNKNOWN;
        }
        try {
            before = isOwn ? own(open) : ask(open, POSITION);
            return new Written(from, before, isOwn);
        } catch (SQLException e) {
            forget();
            return Written.UNKNOWN;
        }
    }

    private static long own(Connection open) throws SQLException {
        try (PreparedStatement handIn = open.prepareStatement(HAND_IN)) {
            handIn.execute();
        }
        return ask(open, OWN);
    }

    private static long ask(Connection open, String query) throws SQLException {
        try (PreparedStatement statement = open.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }
}
