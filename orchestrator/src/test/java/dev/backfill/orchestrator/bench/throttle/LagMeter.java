package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.bench.Trace;
import dev.backfill.orchestrator.bench.Trace.Point;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How far the standby is behind, by no rule's own means: a heartbeat is written on the primary twenty times a second and
 * read on the standby as often, by the clock that both servers have in common. It also sees how many rows change.
 */
final class LagMeter implements AutoCloseable {

    private static final long EVERY_NANOS = 50_000_000;
    private static final int RATE_EVERY = 40; // sessions tell what they did once a second
    private static final String BEAT = "UPDATE heartbeat SET at = clock_timestamp()";
    private static final String CHANGED = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = '%s'";

    /** How old the newest heartbeat is on a standby, in seconds. */
    static final String AGE = "SELECT extract(epoch FROM clock_timestamp() - at) FROM heartbeat";

    private final long begun = System.nanoTime();
    private final List<Point> lags = Collections.synchronizedList(new ArrayList<>());
    private final List<Point> rates = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> threads;

    private LagMeter(StandbyPlant plant) {
        this.threads = List.of(
                thread("heartbeat", () -> beat(plant.primary())),
                thread("lag", () -> look(plant.standby())),
                thread("rate", () -> count(plant.primary())));
    }

    /** Begins to look. The standby has to have caught up; it is given a heartbeat, lest the first look find an old one. */
    static LagMeter start(StandbyPlant plant) throws SQLException, InterruptedException {
        plant.primary().execute(BEAT);
        plant.awaitCaughtUp();
        LagMeter meter = new LagMeter(plant);
        meter.threads.forEach(Thread::start);
        return meter;
    }

    /** What was seen until now. */
    Trace trace() {
        synchronized (lags) {
            synchronized (rates) {
                return new Trace(lags, rates);
            }
        }
    }

    private void beat(TestDatabase primary) throws SQLException, InterruptedException {
        try (Connection connection = primary.connect();
                PreparedStatement beat = connection.prepareStatement(BEAT)) {
            for (long n = 1; ; n++) {
                beat.executeUpdate();
                awaitMoment(n);
            }
        }
    }

    private void look(TestDatabase standby) throws SQLException, InterruptedException {
        try (Connection connection = standby.connect();
                PreparedStatement age = connection.prepareStatement(AGE)) {
            for (long n = 1; ; n++) {
                lags.add(new Point(seconds(), number(age)));
                awaitMoment(n);
            }
        }
    }

    private void count(TestDatabase primary) throws SQLException, InterruptedException {
        try (Connection connection = primary.connect();
                PreparedStatement changed = connection.prepareStatement(CHANGED.formatted(StandbyPlant.TABLE))) {
            double before = number(changed);
            double since = seconds();
            for (long n = 1; ; n++) {
                awaitMoment(n * RATE_EVERY);
                double now = number(changed);
                double at = seconds();
                rates.add(new Point(at, (now - before) / (at - since)));
                before = now;
                since = at;
            }
        }
    }

    /** The one number that a query finds. */
    static double number(PreparedStatement query) throws SQLException {
        try (ResultSet row = query.executeQuery()) {
            row.next();
            return row.getDouble(1);
        }
    }

    private double seconds() {
        return (System.nanoTime() - begun) / 1e9;
    }

    private void awaitMoment(long n) throws InterruptedException {
        long left = begun + n * EVERY_NANOS - System.nanoTime();
        if (left > 0) {
            Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
        } else if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    private static Thread thread(String name, Looking looking) {
        Thread thread = new Thread(
                () -> {
                    try {
                        looking.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } catch (SQLException e) {
                        throw new IllegalStateException(name + " cannot go on", e);
                    }
                },
                name);
        thread.setDaemon(true);
        return thread;
    }

    private interface Looking {
        void run() throws SQLException, InterruptedException;
    }

    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
