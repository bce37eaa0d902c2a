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
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.PGConnection;

/** An application that locks rows in the opposite order of a batch. Of the two, it is the batch that gives way. */
class OppositeLocksTest {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int ROWS = 20_000;
    private static final String DEFAULTS = "batch: { max: 1000 }";
    private static final String SMALL = "batch: { size: 1000, min: 1000, max: 1000 }";

    @TempDir
    private Path directory;

    private final Map<String, Integer> states = new ConcurrentHashMap<>();
    private final ExecutorService sessions = Executors.newCachedThreadPool();
    private TestDatabase database;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("""
                CREATE TABLE c (id bigint PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0, app int NOT NULL DEFAULT 0)
                """, """
                INSERT INTO c SELECT i, CASE WHEN i > 18000 THEN NULL WHEN i BETWEEN 6000 AND 7500 THEN '2026-01-06'
                    ELSE timestamptz '2026-01-01' + i * interval '1 min' END
                FROM generate_series(1, %d) AS i
                """.formatted(ROWS), "CREATE INDEX ON c (at)", "VACUUM ANALYZE c");
    }

    @AfterEach
    void stop() throws Exception {
        sessions.shutdownNow();
        database.close();
    }

    static Stream<Arguments> jobs() {
        return Stream.of(Arguments.of(CountedTable.BY_KEY, DEFAULTS), Arguments.of(CountedTable.BY_TIME, SMALL));
    }

    /**
     * A batch locks the rows before 300 and waits in turn for two sessions, as long as a lock may take; the application,
     * which has row 900, waits for the batch all the while. Were the batch to reach row 900 and wait there, the
     * application's check for deadlocks would be the first to come.
     */
    @ParameterizedTest
    @MethodSource("jobs")
    void the_batch_gives_way_also_when_it_has_waited_for_others_before(String range, String limits) throws Exception {
        Path job = CountedTable.job(directory, range, limits);
        try (Connection first = holding(300);
                Connection second = holding(600);
                Connection application = holding(900);
                BackfillProcess process =
                        BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            awaitBatchWaitingFor(first);
            Future<String> other = sessions.submit(() -> update(application, 5));
            first.createStatement().execute("SELECT pg_sleep(0.35)");
            first.rollback();
            second.createStatement().execute("SELECT pg_sleep(0.35)");
            second.rollback();
            assertThat(other.get(20, TimeUnit.SECONDS)).isEqualTo("00000");
            application.rollback();

            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        CountedTable table = new CountedTable(database, ROWS);
        table.assertEachRowWasChangedOnce();
        table.assertManySlicesAndBatches();
    }

    @ParameterizedTest
    @MethodSource("jobs")
    void the_application_never_becomes_the_victim_of_a_deadlock(String range, String limits) throws Exception {
        database.execute(
                """
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.0002); RETURN NULL; END $$
                """,
                "CREATE TRIGGER slow AFTER UPDATE OF n ON c FOR EACH ROW WHEN (NEW.id % 2 = 0) EXECUTE FUNCTION slow()");
        Path job = CountedTable.job(directory, range, limits);
        List<Future<?>> application = new ArrayList<>();
        try (Connection holder = holding(900);
                BackfillProcess process =
                        BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
            awaitBatchWaitingFor(holder);
            assertThat(update(holder, 5)).isEqualTo("00000");
            holder.rollback();
            for (int i = 0; i < 4; i++) {
                Random random = new Random(i);
                application.add(sessions.submit(rounds(process, 25, () -> backwards(random))));
            }
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        for (Future<?> session : application) {
            session.get(20, TimeUnit.SECONDS);
        }
        assertThat(states).containsOnlyKeys("00000");
        CountedTable table = new CountedTable(database, ROWS);
        table.assertEachRowWasChangedOnce();
        table.assertManySlicesAndBatches();
    }

    /** Two rows, the higher one first, held for a while in between. */
    private void backwards(Random random) throws SQLException {
        int done = (int) database.queryLong("SELECT coalesce(max(id), 0) FROM c WHERE n = 1");
        int low = Math.min(ROWS - 400, done) + 1 + random.nextInt(100);
        int high = low + 100 + random.nextInt(200);
        try (Connection connection = holding(high)) {
            connection.createStatement().execute("SELECT pg_sleep(0.1)");
            update(connection, low);
            connection.rollback();
        }
    }

    private Connection holding(int row) throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        update(connection, row);
        return connection;
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

    private void awaitBatchWaitingFor(Connection holder) throws SQLException {
        int pid = holder.unwrap(PGConnection.class).getBackendPID();
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> database.queryLong(
                                "SELECT count(*) FROM pg_stat_activity WHERE %d = ANY (pg_blocking_pids(pid))"
                                        .formatted(pid))
                        > 0);
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
