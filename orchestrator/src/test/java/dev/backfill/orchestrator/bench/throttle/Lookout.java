package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;

/** How a rule sees the lag: it asks the standby at intervals, and goes by the last answer. Closing it ends that. */
final class Lookout implements AutoCloseable {

    /** The time since the last transaction that was replayed, 0 when all that was received is. */
    private static final String REPLAYED = """
            SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                        ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END
            """;

    private final Thread thread;
    private volatile double seconds;

    private Lookout(TestDatabase standby, String sql, Duration every) {
        this.thread = new Thread(() -> look(standby, sql, every), "lookout");
        thread.setDaemon(true);
        thread.start();
    }

    /** By the age of the newest heartbeat that is there. */
    static Lookout heartbeat(StandbyPlant plant, Duration every) {
        return new Lookout(plant.standby(), LagMeter.AGE, every);
    }

    /** By the time of the last transaction that was replayed. */
    static Lookout replayed(StandbyPlant plant, Duration every) {
        return new Lookout(plant.standby(), REPLAYED, every);
    }

    /** The lag as it was seen last. */
    double seconds() {
        return seconds;
    }

    private void look(TestDatabase standby, String sql, Duration every) {
        try (Connection connection = standby.connect();
                PreparedStatement query = connection.prepareStatement(sql)) {
            while (true) {
                seconds = LagMeter.number(query);
                Thread.sleep(every.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SQLException e) {
            throw new IllegalStateException("the standby cannot be asked", e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
