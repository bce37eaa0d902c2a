package dev.backfill.orchestrator.signals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.gauges.Sample;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who of others is on a processor, as a role sees it that may only monitor, on a server with two of them. */
class ActiveSessionsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Executor THREADS = work -> new Thread(work).start();
    private static final String COMPUTE = "DO $$ BEGIN LOOP END LOOP; END $$";

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void who_computes_is_counted_for_each_core_and_who_waits_or_is_ours_is_not(int major) throws Exception {
        List<CompletableFuture<Void>> working = new ArrayList<>();
        try (TestDatabase database = TestPostgres.version(major).newDatabase();
                Connection monitor = database.connect(database.newMonitoringRole());
                Connection ours = session(database, "backfill/fill");
                Connection sleeping = session(database, "sleeping");
                Connection locking = session(database, "locking");
                Connection waiting = session(database, "waiting");
                Connection first = session(database, "first");
                Connection second = session(database, "second")) {
            HealthProbe probe = new HealthProbe(monitor, new Trend(2));
            try {
                database.execute("CREATE TABLE t ()");
                locking.setAutoCommit(false);
                execute(locking, "LOCK TABLE t");
                working.add(start(waiting, "SELECT count(*) FROM t"));
                working.add(start(sleeping, "SELECT pg_sleep(600)"));
                working.add(start(ours, COMPUTE));
                awaitActive(database, 3);
                assertThat(busy(probe)).isZero();

                working.add(start(first, COMPUTE));
                await().atMost(PATIENCE).until(() -> busy(probe) == 0.5);
                working.add(start(second, COMPUTE));
                await().atMost(PATIENCE).until(() -> busy(probe) == 1);
            } finally {
                database.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND pid <> pg_backend_pid()");
                working.forEach(work -> work.exceptionally(ended -> null).join());
            }
        }
    }

    private static double busy(HealthProbe probe) throws SQLException {
        List<Sample> samples = probe.ask(HealthSignal.ACTIVE_SESSIONS, new WatchedTables(), 0);
        assertThat(samples).hasSize(1);
        return samples.get(0).value();
    }

    private static void awaitActive(TestDatabase database, int sessions) {
        String active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                + " AND application_name IN ('backfill/fill', 'sleeping', 'waiting')"
                + " AND (wait_event_type IS NULL) = (application_name = 'backfill/fill')";
        await().atMost(PATIENCE).until(() -> database.queryLong(active) == sessions);
    }

    private static Connection session(TestDatabase database, String name) throws SQLException {
        Connection session = database.connect();
        execute(session, "SET application_name = '" + name + "'");
        return session;
    }

    private static CompletableFuture<Void> start(Connection session, String sql) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        execute(session, sql);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                },
                THREADS);
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }
}
