package dev.backfill.orchestrator.replication;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Asks the primary where it is and who follows it. */
final class ReplicationProbe {

    /**
     * What the primary said.
     *
     * @param position where it writes, in bytes of WAL
     * @param followers who streams from it; base backups, logical subscribers and their workers are none
     */
    record Answer(long position, List<Follower> followers) {
        Answer {
            followers = List.copyOf(followers);
        }
    }

    private static final String PROBE = """
            SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()
                       THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') END AS position,
                   s.pid, s.application_name, host(s.client_addr) AS address,
                   pg_catalog.pg_wal_lsn_diff(greatest(s.write_lsn, s.flush_lsn), '0/0') AS received,
                   pg_catalog.pg_wal_lsn_diff(s.replay_lsn, '0/0') AS replayed,
                   extract(epoch FROM clock_timestamp() - s.reply_time) AS reply_age
            FROM (SELECT) AS one
            LEFT JOIN pg_catalog.pg_stat_replication s
              ON s.state IN ('streaming', 'catchup')
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots l
                             WHERE l.active_pid = s.pid AND l.slot_type = 'logical')
            """;

    private static final String MISSING_RIGHT = """
            SELECT 'GRANT pg_monitor TO ' || quote_ident(current_user)
            FROM pg_catalog.pg_roles
            WHERE rolname = current_user AND NOT rolsuper
              AND NOT pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE')
            """;

    private ReplicationProbe() {}

    /** Asks; a server in recovery is an error, for it is no primary. */
    static Answer ask(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(PROBE);
                ResultSet row = query.executeQuery()) {
            List<Follower> followers = new ArrayList<>();
            long position = 0;
            while (row.next()) {
                position = row.getLong("position");
                if (row.wasNull()) {
                    throw new SQLException("the server is in recovery: it is a standby now", "25006");
                }
                if (row.getObject("pid") != null) {
                    followers.add(follower(row));
                }
            }
            return new Answer(position, followers);
        }
    }

    /** What the session's role lacks to see what it asks for; without it, it would see rows of NULLs. */
    static Optional<String> missingRight(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(MISSING_RIGHT);
                ResultSet row = query.executeQuery()) {
            return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
    }

    private static Follower follower(ResultSet row) throws SQLException {
        double age = row.getDouble("reply_age");
        Optional<Duration> replyAge =
                row.wasNull() ? Optional.empty() : Optional.of(Duration.ofNanos((long) (Math.max(0, age) * 1e9)));
        return new Follower(
                String.valueOf(row.getString("application_name")),
                Optional.ofNullable(row.getString("address")),
                position(row, "received"),
                position(row, "replayed"),
                replyAge);
    }

    private static Optional<Long> position(ResultSet row, String column) throws SQLException {
        long position = row.getLong(column);
        return row.wasNull() ? Optional.empty() : Optional.of(position);
    }
}
