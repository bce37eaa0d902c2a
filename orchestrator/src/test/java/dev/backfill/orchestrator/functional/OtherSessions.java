package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Sessions of somebody else, each of which executes a statement again and again. Closing it cancels what is under way. */
final class OtherSessions implements AutoCloseable {

    private final List<Connection> connections = new ArrayList<>();
    private final List<Statement> statements = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private final AtomicInteger failed = new AtomicInteger();
    private final Duration rest;

    /** So many sessions; each rests so long after the statement. */
    OtherSessions(TestDatabase database, int number, String sql, Duration rest) throws SQLException {
        this.rest = rest;
        for (int i = 0; i < number; i++) {
            Connection connection = database.connect();
            connections.add(connection);
            Statement statement = connection.createStatement();
            statements.add(statement);
            threads.add(new Thread(() -> work(statement, sql), "other session " + i));
        }
        threads.forEach(Thread::start);
    }

    /** None of them has met an error. */
    void assertWell() {
        assertThat(failed).as("sessions that met an error").hasValue(0);
    }

    private void work(Statement statement, String sql) {
        try {
            do {
                statement.execute(sql);
            } while (!end.await(rest.toMillis(), TimeUnit.MILLISECONDS));
        } catch (SQLException e) {
            if (end.getCount() > 0) {
                failed.incrementAndGet();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws SQLException {
        end.countDown();
        try {
            for (int i = 0; i < statements.size(); i++) {
                while (threads.get(i).isAlive()) { // a cancel that comes between two statements is lost
                    statements.get(i).cancel();
                    threads.get(i).join(100);
                }
                connections.get(i).close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
