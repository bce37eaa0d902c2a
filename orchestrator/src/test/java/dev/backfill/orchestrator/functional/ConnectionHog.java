package dev.backfill.orchestrator.functional;

import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestRole;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** An application that opens connections until the server has none left, and takes each that becomes free. */
final class ConnectionHog implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration MOMENT = Duration.ofMillis(2);

    private final TestDatabase database;
    private final TestRole role;
    private final List<Connection> taken = new ArrayList<>();
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean refused;

    private ConnectionHog(TestDatabase database, TestRole role) {
        this.database = database;
        this.role = role;
        this.thread = new Thread(this::take, "connection hog");
    }

    /** Takes all that there are; returns when the server refused one more. */
    static ConnectionHog start(TestDatabase database) throws Exception {
        ConnectionHog hog = new ConnectionHog(database, database.newRole());
        hog.thread.start();
        await().atMost(PATIENCE).until(() -> hog.refused);
        return hog;
    }

    private void take() {
        while (!closed) {
            try {
                taken.add(database.connect(role));
            } catch (SQLException e) {
                if (!"53300".equals(e.getSQLState())) {
                    throw new IllegalStateException(e);
                }
                refused = true;
                LockSupport.parkNanos(MOMENT.toNanos());
            }
        }
    }

    @Override
    public void close() throws SQLException {
        free();
    }

    /** Lets all of them go. */
    void free() throws SQLException {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Connection connection : taken) {
            connection.close();
        }
    }
}
