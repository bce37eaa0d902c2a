package dev.backfill.orchestrator.sessions;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Finds a pooler that gives each transaction another session of the server, where none is known of. */
public final class SharedSessions {

    private SharedSessions() {}

    /**
     * Looks at which sessions of the server two connections have. Each has one of its own, and keeps it; only behind such
     * a pooler one has several, or both have the same.
     *
     * @param one a connection in autocommit mode
     * @param other another one, open at the same time
     * @return true when there is one; false when there is none, or too much goes on in it to see it at once
     * @throws SQLException when a query fails
     */
    public static boolean areSeenBy(Connection one, Connection other) throws SQLException {
        int ones = session(one);
        return session(other) == ones // a pooler likes to give the session that was used last
                || session(one) != ones // or the next in turn
                || session(one) != ones;
    }

    private static int session(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT pg_backend_pid()");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }
}
