package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.standbys.StandbyName;
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
     * @param readers who reads the same storage
     * @param isOfReaders whether it is a server whose standbys are such readers
     */
    record Answer(long position, List<Follower> followers, List<Reader> readers, boolean isOfReaders) {
        Answer {
            followers = List.copyOf(followers);
            readers = List.copyOf(readers);
        }
    }

    /**
     * A server that reads the storage that the primary writes, as those of Aurora do: nothing streams to it.
     *
     * @param name its server_id
     * @param lag how far what it shows is behind
     * @param age how old that is
     */
    record Reader(StandbyName name, Duration lag, Duration age) {}

    /**
     * A connection that streams WAL from the primary.
     *
     * @param pid the process that serves it; another connection has another
     * @param name what it is known by
     * @param received how far it has written or flushed, in bytes of WAL; empty before its first report
     * @param replayed how far it has replayed, in bytes of WAL; empty for what never replays, such as pg_receivewal
     * @param reply its last reply; empty before the first
     */
    record Follower(
            int pid, StandbyName name, Optional<Long> received, Optional<Long> replayed, Optional<Reply> reply) {

        /** Whether it replays, as a standby does. */
        boolean isStandby() {
            return replayed.isPresent();
        }
    }

    /**
     * A reply.
     *
     * @param sent when, by the sender's clock, in microseconds
     * @param age how old it is, as far as the two machines' clocks agree
     */
    record Reply(long sent, Duration age) {}

    private static final String PROBE = """
            SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()
                       THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') END AS position,
                   s.pid, s.application_name, pg_catalog.host(s.client_addr) AS address,
                   pg_catalog.pg_wal_lsn_diff(greatest(s.write_lsn, s.flush_lsn), '0/0') AS received,
                   pg_catalog.pg_wal_lsn_diff(s.replay_lsn, '0/0') AS replayed,
                   CAST(extract(epoch FROM s.reply_time) * 1000000 AS bigint) AS reply_sent,
                   extract(epoch FROM pg_catalog.clock_timestamp() - s.reply_time) AS reply_age
            FROM (SELECT) AS one
            LEFT JOIN pg_catalog.pg_stat_replication s
              ON s.state IN ('streaming', 'catchup')
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots l
                             WHERE l.active_pid = s.pid AND l.slot_type = 'logical')
            """;

    /** Its functions need not be in pg_proc; what it offers to install is asked for as its own driver does. */
    private static final String IS_AURORA = """
            SELECT coalesce(pg_catalog.current_setting('rds.extensions', true), '') LIKE '%aurora_stat_utils%'
                OR pg_catalog.to_regproc('pg_catalog.aurora_version') IS NOT NULL
            """;

    /** There, positions in the log exist only for logical replication. A reader that is gone stays listed for a while. */
    private static final String READERS = """
            SELECT pg_catalog.pg_is_in_recovery() AS is_reader, s.server_id, s.lag_milliseconds, s.age
            FROM (SELECT) AS one
            LEFT JOIN (SELECT r.server_id, r.replica_lag_in_msec AS lag_milliseconds,
                              coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - r.last_update_timestamp), 0) AS age
                       FROM pg_catalog.aurora_replica_status() AS r
                       WHERE r.session_id <> 'MASTER_SESSION_ID' AND r.replica_lag_in_msec IS NOT NULL) AS s
              ON s.age <= 15
            """;

    private static final String MISSING_RIGHT = """
            SELECT 'GRANT pg_monitor TO ' || pg_catalog.quote_ident(current_user)
            FROM pg_catalog.pg_roles
            WHERE rolname = current_user AND NOT rolsuper
              AND NOT pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE')
            """;

    private ReplicationProbe() {}

    /** Whether the server is one of Aurora. */
    static boolean isAurora(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(IS_AURORA);
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** Asks a server of Aurora; a reader is an error, for it is no primary. */
    static Answer askAurora(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(READERS);
                ResultSet row = query.executeQuery()) {
            List<Reader> readers = new ArrayList<>();
            while (row.next()) {
                requirePrimary(row.getBoolean("is_reader"));
                String server = row.getString("server_id");
                if (server != null) {
                    readers.add(new Reader(
                            new StandbyName(server, ""),
                            Duration.ofNanos((long) (row.getDouble("lag_milliseconds") * 1e6)),
                            seconds(row.getDouble("age"))));
                }
            }
            return new Answer(0, List.of(), readers, true);
        }
    }

    /** Asks; a server in recovery is an error, for it is no primary. */
    static Answer ask(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(PROBE);
                ResultSet row = query.executeQuery()) {
            List<Follower> followers = new ArrayList<>();
            long position = 0;
            while (row.next()) {
                position = row.getLong("position");
                requirePrimary(row.wasNull());
                if (row.getObject("pid") != null) {
                    followers.add(follower(row));
                }
            }
            return new Answer(position, followers, List.of(), false);
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
        String address = row.getString("address");
        return new Follower(
                row.getInt("pid"),
                new StandbyName(String.valueOf(row.getString("application_name")), address == null ? "" : address),
                position(row, "received"),
                position(row, "replayed"),
                reply(row));
    }

    private static Optional<Reply> reply(ResultSet row) throws SQLException {
        double age = row.getDouble("reply_age");
        return row.wasNull() ? Optional.empty() : Optional.of(new Reply(row.getLong("reply_sent"), seconds(age)));
    }

    private static void requirePrimary(boolean isStandby) throws SQLException {
        if (isStandby) {
            throw new SQLException("the server is in recovery: it is a standby now", "25006");
        }
    }

    private static Duration seconds(double seconds) {
        return Duration.ofNanos((long) (Math.max(0, seconds) * 1e9));
    }

    private static Optional<Long> position(ResultSet row, String column) throws SQLException {
        long position = row.getLong(column);
        return row.wasNull() ? Optional.empty() : Optional.of(position);
    }
}
