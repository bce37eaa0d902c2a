package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.PgBouncer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;

/** An application that comes by the same pooler, as the same user, and looks at what its sessions are set to. */
final class PooledApplication implements AutoCloseable {

    /** Everything a session can be set to, and what else it can hold for whoever has it next. */
    private static final String STATE = """
            SELECT name || ' = ' || setting FROM pg_settings
            UNION ALL SELECT 'prepared ' || name FROM pg_prepared_statements
            UNION ALL SELECT 'locked ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
            UNION ALL SELECT 'role ' || current_user
            UNION ALL SELECT 'temporary ' || pg_my_temp_schema() WHERE pg_my_temp_schema() <> 0
            """;

    private final String url;
    private final Set<String> untouched;
    private final Set<String> changed = new ConcurrentSkipListSet<>();
    private final Set<String> sessions = new ConcurrentSkipListSet<>();
    private final AtomicInteger looks = new AtomicInteger();
    private final Thread thread;
    private volatile boolean closed;

    private PooledApplication(String url, Set<String> untouched) {
        this.url = url;
        this.untouched = untouched;
        this.thread = new Thread(this::look, "pooled application");
    }

    /** Starts one; its sessions should be like a fresh one without a pooler. */
    static PooledApplication start(TestDatabase database, PgBouncer bouncer) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.jdbcUrl() + "&prepareThreshold=0");
                Statement statement = connection.createStatement()) {
            statement.execute("LOAD 'plpgsql'"); // triggers load it, and its settings
            PooledApplication application =
                    new PooledApplication(bouncer.jdbcUrl(database) + "&prepareThreshold=0", state(connection));
            application.thread.start();
            return application;
        }
    }

    /** Waits until a session that it has had has the program's name: the program has it now. */
    void awaitSharedSession(TestDatabase database) {
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            String used = String.join(", ", sessions);
            return !used.isEmpty()
                    && database.queryLong("SELECT count(*) FROM pg_stat_activity WHERE pid IN (" + used
                                    + ") AND application_name LIKE 'backfill%'")
                            > 0;
        });
    }

    void assertThatNothingWasSet() {
        assertThat(changed).as("in %d looks", looks.get()).isEmpty();
        assertThat(looks).hasPositiveValue();
    }

    private void look() {
        while (!closed) {
            try (Connection connection = DriverManager.getConnection(url)) {
                while (!closed) {
                    Set<String> state = state(connection);
                    state.removeAll(untouched);
                    changed.addAll(state);
                    sessions.addAll(query(connection, "SELECT pg_backend_pid()"));
                    looks.incrementAndGet();
                    pause();
                }
            } catch (SQLException e) {
                pause(); // the pooler is away
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Set<String> state(Connection connection) throws SQLException {
        return query(connection, STATE);
    }

    private static Set<String> query(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            Set<String> state = new TreeSet<>();
            while (row.next()) {
                state.add(row.getString(1));
            }
            return state;
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
