package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.bench.Foreground;
import dev.backfill.orchestrator.bench.Report;
import dev.backfill.orchestrator.bench.Trace;
import dev.backfill.orchestrator.bench.throttle.Rules.Deadline;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An application at a fifth of what the machine can do, alone and beside what changes the rows of its table. */
final class ForegroundTrial implements AutoCloseable {

    static final String ALONE = "alone";
    static final String LOOP = "beside the loop";
    static final String OURS = "beside ours";
    static final String KNOWING = "beside ours, cores configured";

    private static final long ROWS = 3_000_000;
    private static final double PART = 0.2;
    private static final int FULL_SPEED_SECONDS = 8;
    private static final double BEGINNING = 1;
    private static final int SAMPLE_MILLIS = 100;

    /** Who waits for a session of ours, also behind others, and for how long already. */
    private static final String WAITING = """
            WITH RECURSIVE waiting AS MATERIALIZED (
                SELECT a.pid, a.application_name AS name, unnest(pg_blocking_pids(a.pid)) AS blocker,
                       (SELECT min(l.waitstart) FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS since
                FROM pg_stat_activity a WHERE a.wait_event_type = 'Lock'
            ), chain(pid, blocker) AS (
                SELECT pid, blocker FROM waiting
                UNION
                SELECT c.pid, w.blocker FROM chain c JOIN waiting w ON w.pid = c.blocker
            )
            SELECT coalesce(max(extract(epoch FROM clock_timestamp() - w.since)), 0)
            FROM chain c JOIN waiting w USING (pid) JOIN pg_stat_activity o ON o.pid = c.blocker
            WHERE o.application_name LIKE 'backfill/%' AND w.name !~ '^backfill'
            """;

    private static final String CHANGED =
            "SELECT coalesce(sum(n_tup_upd), 0)::bigint FROM pg_stat_user_tables WHERE relname = '" + StandbyPlant.TABLE
                    + "'";

    private final TestDatabase database;
    private final int seconds;
    private final Foreground application;
    private final Map<String, Neighbour> neighbours = new LinkedHashMap<>();
    private final List<Ours> daemons = new ArrayList<>();

    /** What changes rows beside the application, until then. */
    private interface Neighbour {
        void work(Deadline end) throws SQLException, InterruptedException;
    }

    ForegroundTrial(Path directory, TestDatabase database, int seconds) throws IOException {
        this.database = database;
        this.seconds = seconds;
        this.application = new Foreground(
                directory,
                database,
                new Foreground.Script(
                        List.of(
                                "SELECT note FROM %s WHERE id = :id".formatted(StandbyPlant.TABLE),
                                "UPDATE %s SET touched = touched + 1 WHERE id = :id".formatted(StandbyPlant.TABLE)),
                        ROWS));
        neighbours.put(ALONE, end -> end.pause(seconds * 2.0));
        neighbours.put(LOOP, this::loop);
        neighbours.put(OURS, daemon(directory));
        neighbours.put(
                KNOWING,
                daemon(
                        directory,
                        "databases.main.schema = backfill_knowing",
                        "databases.main.cores = " + Runtime.getRuntime().availableProcessors()));
    }

    /** Transactions a second of the application alone, as fast as it can. */
    double capacity() throws IOException, SQLException, InterruptedException {
        StandbyPlant.create(database, ROWS);
        application.run(FULL_SPEED_SECONDS / 2, 0);
        return (double) application.run(FULL_SPEED_SECONDS, 0).size() / FULL_SPEED_SECONDS;
    }

    /** One window of each, in an order that turns; the figures go to the report. */
    void round(int round, double capacity, Report report) throws IOException, SQLException, InterruptedException {
        List<String> order = new ArrayList<>(neighbours.keySet());
        Collections.rotate(order, round);
        Map<String, Double> slow = new LinkedHashMap<>();
        for (String name : order) {
            StandbyPlant.create(database, ROWS);
            long before = database.queryLong(CHANGED);
            List<Double> latencies = window(name, capacity * PART, report);
            Thread.sleep(1_500); // sessions tell what they did a second later
            double own = database.queryLong(CHANGED) - before - latencies.size();
            slow.put(name, Trace.quantile(latencies, 0.95));
            report.add(name + ": median latency, ms", Trace.quantile(latencies, 0.5));
            report.add(name + ": p95 latency, ms", Trace.quantile(latencies, 0.95));
            report.add(name + ": p99 latency, ms", Trace.quantile(latencies, 0.99));
            report.add(name + ": own rows/s", Math.max(0, own) / (seconds + BEGINNING));
        }
        double alone = slow.getOrDefault(ALONE, 0.0);
        slow.forEach((name, p95) -> report.add(rise(name), p95 - alone));
    }

    /** What the report calls the rise of the application's slow transactions. */
    static String rise(String name) {
        return name + ": rise of p95, ms";
    }

    private List<Double> window(String name, double rate, Report report)
            throws IOException, SQLException, InterruptedException {
        Deadline end = Deadline.in(seconds + BEGINNING);
        Neighbour neighbour = neighbours.getOrDefault(name, nobody -> {});
        Thread beside = new Thread(
                () -> {
                    try {
                        neighbour.work(end);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                name);
        try (Connection looking = database.connect()) {
            WaitSampler waits = new WaitSampler(looking);
            beside.start();
            waits.start();
            Thread.sleep((long) (BEGINNING * 1_000));
            List<Double> latencies = application.run(seconds, rate);
            beside.join();
            waits.interrupt();
            waits.join();
            report.add(name + ": longest wait for a lock of ours, s", waits.longest);
            return latencies;
        }
    }

    private void loop(Deadline end) throws SQLException {
        try (BatchLoop loop = new BatchLoop(database, 0, ROWS)) {
            while (!end.isOver()) {
                loop.next();
            }
        }
    }

    private Neighbour daemon(Path directory, String... lines) throws IOException {
        Ours ours = Ours.start(directory, database, lines);
        daemons.add(ours);
        return ours::until;
    }

    @Override
    public void close() {
        daemons.forEach(Ours::close);
    }

    /** Looks ten times a second who waits for a lock of ours. */
    private static final class WaitSampler extends Thread {

        private final Connection connection;
        private volatile double longest;

        WaitSampler(Connection connection) {
            super("waits");
            setDaemon(true);
            this.connection = connection;
        }

        @Override
        public void run() {
            try (PreparedStatement query = connection.prepareStatement(WAITING)) {
                while (!interrupted()) {
                    try (ResultSet row = query.executeQuery()) {
                        row.next();
                        longest = Math.max(longest, row.getDouble(1));
                    }
                    sleep(SAMPLE_MILLIS);
                }
            } catch (InterruptedException e) {
                interrupt();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
