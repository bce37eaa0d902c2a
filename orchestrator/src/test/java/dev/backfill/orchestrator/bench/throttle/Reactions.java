package dev.backfill.orchestrator.bench.throttle;

import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.bench.Report;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.awaitility.core.ConditionFactory;

/** How soon a run gives way, each seen in what it commits and not in what it says. */
final class Reactions implements AutoCloseable {

    static final String HOLD = "standby killed to last commit, s";
    static final String SAID = "standby killed to the API's hold, s";
    static final String PAUSE = "batches committed after the answer to pause";
    static final String RELEASE = "a session's wait for a batch, s";

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String BATCHES = "SELECT coalesce(sum(batches), 0) FROM backfill.slice";

    /** The first key of a batch that is under way. */
    private static final String LOCKED = """
            SELECT coalesce((checkpoint ->> 0)::bigint, ("from" ->> 0)::bigint, 0) + 1
            FROM backfill.slice WHERE state = 'RUNNING'
            """;

    private static final String IN_A_BATCH =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'backfill/%' AND wait_event = 'PgSleep'";

    private final StandbyPlant plant;
    private final TestDatabase database;
    private final Ours ours;
    private final Report report;

    Reactions(StandbyPlant plant, Ours ours, Report report) {
        this.plant = plant;
        this.database = plant.primary();
        this.ours = ours;
        this.report = report;
    }

    /** A job of batches of 100 rows, which take 20 ms longer than they need. */
    static String quickBatches() {
        return job("{ size: 100, min: 100, max: 100 }", "(SELECT pg_sleep(0.02)) IS NOT NULL");
    }

    /** A job of batches of 1,000 rows that take 10 ms each, and so 10 s a batch. */
    static String longBatches() {
        return job("{ size: 1000, min: 1000, max: 1000 }", "pg_sleep(0.01) IS NOT NULL");
    }

    /** Registers a job, which starts its run. */
    void register(String yaml) {
        ours.register(yaml);
    }

    private static String job(String batch, String more) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                sql: UPDATE %2$s SET n = n + 1 WHERE :range AND %s
                verify: none
                batch: %s
                """.formatted(Ours.jobName(), StandbyPlant.TABLE, more, batch);
    }

    /** Kills the standby while the run moves, and starts it again. */
    void standbyIsKilled() throws Exception {
        awaitMoving();
        try (Commits commits = Commits.watch(database)) {
            long killed = System.nanoTime();
            plant.servers().kill9Standby();
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> held());
            report.add(SAID, (System.nanoTime() - killed) / 1e9);
            Thread.sleep(1_000);
            report.add(HOLD, Math.max(0, commits.last - killed) / 1e9);
        }
        soon().ignoreExceptions()
                .until(
                        () -> { // what the postmaster had started may need a moment to end
                            plant.servers().startStandby();
                            return true;
                        });
    }

    /** Pauses the run, and has it go on. */
    void pauseIsSaid() throws Exception {
        awaitMoving();
        ours.say("pause");
        long answered = database.queryLong(BATCHES);
        Thread.sleep(2_000);
        report.add(PAUSE, (double) (database.queryLong(BATCHES) - answered));
        ours.say("resume");
    }

    /** Waits for a row that a long batch has changed. */
    void somebodyWaits() throws Exception {
        soon().until(() -> database.queryLong(IN_A_BATCH) > 0);
        long key = database.queryLong(LOCKED);
        try (Connection session = database.connect();
                Statement statement = session.createStatement()) {
            long begun = System.nanoTime();
            statement.execute("UPDATE " + StandbyPlant.TABLE + " SET touched = touched + 1 WHERE id = " + key);
            double waited = (System.nanoTime() - begun) / 1e9;
            if (waited > 0.1) {
                report.add(RELEASE, waited); // else the batch had not come to that row yet
            }
        }
        Thread.sleep(2_500); // the next hold is a first one again
    }

    private void awaitMoving() throws SQLException {
        long before = database.queryLong(BATCHES);
        soon().until(() -> database.queryLong(BATCHES) > before + 10);
    }

    private boolean held() {
        return ours.daemon()
                .run(Ours.jobName())
                .path("hold")
                .path("reason")
                .asString("")
                .equals("standby-missing");
    }

    private static ConditionFactory soon() {
        return await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20));
    }

    @Override
    public void close() throws IOException {
        ours.close();
    }

    /** When a batch was committed last, seen every few milliseconds. */
    private static final class Commits implements AutoCloseable {

        private final Thread thread;
        private volatile long last = System.nanoTime();

        private Commits(TestDatabase database) {
            this.thread = new Thread(() -> look(database), "commits");
            thread.setDaemon(true);
        }

        static Commits watch(TestDatabase database) {
            Commits commits = new Commits(database);
            commits.thread.start();
            return commits;
        }

        private void look(TestDatabase database) {
            try (Connection connection = database.connect();
                    PreparedStatement batches = connection.prepareStatement(BATCHES)) {
                double known = -1;
                while (true) {
                    double now = LagMeter.number(batches);
                    if (now != known) {
                        last = System.nanoTime();
                        known = now;
                    }
                    Thread.sleep(3);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws SQLException {
            thread.interrupt();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
