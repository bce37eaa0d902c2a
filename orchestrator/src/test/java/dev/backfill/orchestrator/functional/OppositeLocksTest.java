package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An application that locks rows in the opposite order of a batch. Of the two, it is the batch that gives way. */
class OppositeLocksTest {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int ROWS = 4000;
    private static final String DEFAULTS = "parallelism: 1";
    private static final String SMALL = "batch: { size: 1000, min: 1000, max: 1000 }";

    @TempDir
    private Path directory;

    private final Map<String, Integer> states = new ConcurrentHashMap<>();
    private final ExecutorService sessions = Executors.newCachedThreadPool();
    private TestDatabase database;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, app int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT i FROM generate_series(1, " + ROWS + ") AS i",
                "VACUUM ANALYZE c");
    }

    @AfterEach
    void stop() throws Exception {
        sessions.shutdownNow();
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {DEFAULTS, SMALL})
    void the_application_never_becomes_the_victim_of_a_deadlock(String limits) throws Exception {
        Path job = CountedTable.job(directory, CountedTable.BY_KEY, limits);
        List<Future<?>> application = new ArrayList<>();
        try (Connection holder = database.connect();
                BackfillProcess process =
                        BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            holder.setAutoCommit(false);
            update(holder, 900);
            awaitBatchesThatWait(1);
            assertThat(update(holder, 5)).isEqualTo("00000");
            holder.commit();
            for (int i = 0; i < 3; i++) {
                Random random = new Random(i);
                application.add(sessions.submit(whileAlive(process, () -> backwards(random))));
            }
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        for (Future<?> session : application) {
            session.get(20, TimeUnit.SECONDS);
        }
        assertThat(states).containsOnlyKeys("00000");
        new CountedTable(database, ROWS).assertEachRowWasChangedOnce();
    }

    @ParameterizedTest
    @ValueSource(strings = {DEFAULTS, SMALL})
    void nor_when_the_batch_waits_for_several_sessions_in_turn(String limits) throws Exception {
        Path job = CountedTable.job(directory, CountedTable.BY_KEY, limits);
        List<Future<?>> application = new ArrayList<>();
        try (BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            for (int row : List.of(300, 600, 900)) {
                application.add(sessions.submit(rounds(process, 5, () -> holdFor400Milliseconds(row))));
            }
            application.add(sessions.submit(rounds(process, 20, () -> twoRows(950, 5))));
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        for (Future<?> session : application) {
            session.get(20, TimeUnit.SECONDS);
        }
        assertThat(states).containsOnlyKeys("00000");
        new CountedTable(database, ROWS).assertEachRowWasChangedOnce();
    }

    /** Two rows, the higher one first, held for a while in between. */
    private void backwards(Random random) throws SQLException {
        int high = 2 + random.nextInt(ROWS - 1);
        twoRows(high, 1 + random.nextInt(high - 1));
    }

    private void twoRows(int first, int second) throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            if (update(connection, first).equals("00000")) {
                connection.createStatement().execute("SELECT pg_sleep(0.05)");
                update(connection, second);
            }
            connection.rollback();
        }
    }

    private void holdFor400Milliseconds(int row) throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            update(connection, row);
            connection.createStatement().execute("SELECT pg_sleep(0.4)");
            connection.rollback();
        }
    }

    private String update(Connection connection, int row) throws SQLException {
        String state = "00000";
        try (PreparedStatement update = connection.prepareStatement("UPDATE c SET app = app + 1 WHERE id = ?")) {
            update.setInt(1, row);
            update.executeUpdate();
        } catch (SQLException e) {
            state = String.valueOf(e.getSQLState());
        }
        states.merge(state, 1, Integer::sum);
        return state;
    }

    private void awaitBatchesThatWait(int count) {
        await().atMost(PATIENCE)
                .until(() -> database.queryLong("SELECT count(*) FROM pg_stat_activity"
                                + " WHERE application_name LIKE 'backfill/%' AND wait_event_type = 'Lock'")
                        >= count);
    }

    private static Callable<Void> whileAlive(BackfillProcess process, Round round) {
        return rounds(process, Integer.MAX_VALUE, round);
    }

    private static Callable<Void> rounds(BackfillProcess process, int rounds, Round round) {
        return () -> {
            for (int i = 0; i < rounds && process.isAlive(); i++) {
                round.run();
            }
            return null;
        };
    }

    /** What one session of the application does over and over. */
    private interface Round {
        void run() throws SQLException;
    }
}
