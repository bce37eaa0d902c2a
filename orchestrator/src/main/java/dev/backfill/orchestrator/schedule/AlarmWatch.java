package dev.backfill.orchestrator.schedule;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/**
 * Frees alarms that their store has lost hold of: taken by a daemon, but not written down as ringing, long after their
 * time. Quartz leaves such triggers behind when a daemon dies at the wrong moment.
 *
 * @param sessions of the database that holds the alarms
 * @see <a href="https://github.com/quartz-scheduler/quartz/issues/145">Quartz issue 145</a>
 */
record AlarmWatch(DataSource sessions) {

    private static final String LOCK = """
            SELECT FROM qrtz_locks WHERE sched_name = 'backfill' AND lock_name = 'TRIGGER_ACCESS' FOR UPDATE
            """;

    private static final String FREE = """
            UPDATE qrtz_triggers t SET trigger_state = 'WAITING'
            WHERE t.sched_name = 'backfill' AND t.trigger_state IN ('ACQUIRED', 'BLOCKED', 'ERROR')
              AND t.next_fire_time < extract(epoch FROM clock_timestamp() - interval '5 minutes') * 1000
              AND NOT EXISTS (
                  SELECT FROM qrtz_fired_triggers f
                  WHERE f.sched_name = t.sched_name AND f.trigger_name = t.trigger_name
                    AND f.trigger_group = t.trigger_group)
            """;

    /** Frees what is stuck; says how many alarms there were. */
    int free() throws SQLException {
        try (Connection connection = sessions.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(LOCK);
            int freed = statement.executeUpdate(FREE);
            connection.commit();
            return freed;
        }
    }
}
