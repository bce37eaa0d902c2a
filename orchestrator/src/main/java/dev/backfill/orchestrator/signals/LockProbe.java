package dev.backfill.orchestrator.signals;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Asks a server who waits for sessions of ours, directly or behind others who do. */
final class LockProbe {

    /**
     * A session of ours that is waited for.
     *
     * @param process its process on the server
     * @param application its application_name
     * @param waits whether it waits too
     */
    record Ours(int process, String application, boolean waits) {}

    /**
     * A session of somebody else's that waits for one of ours.
     *
     * @param ours the one of ours
     * @param pid the process of the one that waits
     * @param name its application_name
     * @param waited for how many seconds
     */
    record Victim(Ours ours, int pid, String name, double waited) {

        @Override
        public String toString() {
            return "pid " + pid + (name.isEmpty() ? "" : " (" + name + ")");
        }
    }

    /** While nobody waits, no lock is looked at. */
    private static final String VICTIMS = """
            WITH RECURSIVE waiting AS MATERIALIZED (
                SELECT a.pid, a.application_name AS name, pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS blocker,
                       (SELECT min(l.waitstart) FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS since
                FROM pg_catalog.pg_stat_activity a
                WHERE a.wait_event_type = 'Lock' AND a.datname = pg_catalog.current_database()
            ), chain(pid, blocker) AS (
                SELECT pid, blocker FROM waiting
                UNION
                SELECT c.pid, w.blocker FROM chain c JOIN waiting w ON w.pid = c.blocker
            )
            SELECT pg_catalog.pg_is_in_recovery() AS is_standby, v.*
            FROM (SELECT) AS one
            LEFT JOIN (SELECT DISTINCT c.blocker, o.application_name AS application, w.pid, w.name,
                              coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - w.since), 0) AS waited,
                              EXISTS (SELECT FROM waiting b WHERE b.pid = c.blocker) AS ours_waits
                       FROM chain c
                       JOIN waiting w ON w.pid = c.pid
                       JOIN pg_catalog.pg_stat_activity o ON o.pid = c.blocker
                       WHERE o.application_name LIKE 'backfill/%' AND w.name !~ '^backfill(/| |$)') AS v ON true
            ORDER BY v.waited DESC
            """;

    private LockProbe() {}

    /** Asks; who has waited longest comes first. A server in recovery is an error, for nobody waits for us there. */
    static List<Victim> ask(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(VICTIMS);
                ResultSet row = query.executeQuery()) {
            List<Victim> victims = new ArrayList<>();
            while (row.next()) {
                if (row.getBoolean("is_standby")) {
                    throw new SQLException("the server is in recovery: it is a standby now", "25006");
                }
                if (row.getObject("pid") == null) {
                    continue;
                }
                Ours ours = new Ours(
                        row.getInt("blocker"),
                        String.valueOf(row.getString("application")),
                        row.getBoolean("ours_waits"));
                victims.add(new Victim(
                        ours, row.getInt("pid"), String.valueOf(row.getString("name")), row.getDouble("waited")));
            }
            return victims;
        }
    }
}
