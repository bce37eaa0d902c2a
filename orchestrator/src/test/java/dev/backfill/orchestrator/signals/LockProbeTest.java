package dev.backfill.orchestrator.signals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.signals.LockProbe.Victim;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** Who waits for sessions of ours, as a role sees it that may only monitor. */
class LockProbeTest {

    private static final String CHANGE = "UPDATE t SET n = n + 1 WHERE id = ";

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void also_who_waits_behind_somebody_is_found_and_who_waits_for_others_is_not(int major) throws Exception {
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        try (TestDatabase database = TestPostgres.version(major).newDatabase();
                Connection monitor = database.connect(database.newMonitoringRole());
                Connection ours = session(database, "backfill/fill");
                Connection other = session(database, "other");
                Connection first = session(database, "first");
                Connection second = session(database, "second");
                Connection third = session(database, "third");
                Connection owners = session(database, "backfill/fill")) {
            database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t VALUES (1, 0), (2, 0)");
            assertThat(LockProbe.ask(monitor)).isEmpty();
            ours.setAutoCommit(false);
            execute(ours, CHANGE + 1);
            other.setAutoCommit(false);
            execute(other, CHANGE + 2);

            waiting.add(start(third, CHANGE + 2));
            awaitWaiting(database, third);
            assertThat(LockProbe.ask(monitor)).as("waits for others").isEmpty();

            waiting.add(start(first, CHANGE + 1));
            awaitWaiting(database, first);
            waiting.add(start(second, CHANGE + 1));
            awaitWaiting(database, second);
            waiting.add(start(owners, CHANGE + 1));
            awaitWaiting(database, owners);
            int waits = pid(owners);
            int holds = pid(ours);
            assertThat(LockProbe.ask(monitor))
                    .allSatisfy(victim -> assertThat(victim.ours().waits())
                            .isEqualTo(victim.ours().process() == waits))
                    .filteredOn(victim -> victim.ours().process() == holds)
                    .extracting(Victim::name)
                    .containsExactlyInAnyOrder("first", "second");
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> LockProbe.ask(monitor).get(0).waited() > 0.3);
            assertThat(LockProbe.ask(monitor).get(0).toString()).isEqualTo("pid " + pid(first) + " (first)");

            ours.rollback();
            other.rollback();
            waiting.forEach(CompletableFuture::join);
            assertThat(LockProbe.ask(monitor)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void who_waits_for_a_prepared_transaction_waits_for_nobody_of_ours(int major) throws Exception {
        try (TestDatabase database = TestPostgres.version(major).newDatabase();
                Connection monitor = database.connect(database.newMonitoringRole());
                Connection preparing = session(database, "preparing");
                Connection waiter = session(database, "waiter");
                Connection ours = session(database, "backfill/fill")) {
            database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t VALUES (1, 0)");
            String gid = database.name() + "-blocks";
            preparing.setAutoCommit(false);
            execute(preparing, CHANGE + 1);
            execute(preparing, "PREPARE TRANSACTION '" + gid + "'");
            preparing.setAutoCommit(true);
            List<CompletableFuture<Void>> waiting = new ArrayList<>();
            try {
                waiting.add(start(waiter, CHANGE + 1));
                awaitWaiting(database, waiter);
                assertThat(LockProbe.ask(monitor)).isEmpty();

                waiting.add(start(ours, CHANGE + 1));
                awaitWaiting(database, ours);
                assertThat(LockProbe.ask(monitor)).isEmpty();
            } finally {
                execute(preparing, "ROLLBACK PREPARED '" + gid + "'");
            }
            waiting.forEach(CompletableFuture::join);
        }
    }

    private static Connection session(TestDatabase database, String name) throws SQLException {
        Connection session = database.connect();
        execute(session, "SET application_name = '" + name + "'");
        return session;
    }

    private static int pid(Connection session) throws SQLException {
        return session.unwrap(PGConnection.class).getBackendPID();
    }

    private static void awaitWaiting(TestDatabase database, Connection session) throws SQLException {
        String waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + pid(session);
        await().atMost(Duration.ofSeconds(10)).until(() -> database.queryLong(waits) > 0);
    }

    private static CompletableFuture<Void> start(Connection session, String sql) {
        return CompletableFuture.runAsync(() -> {
            try {
                execute(session, sql);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }
}
