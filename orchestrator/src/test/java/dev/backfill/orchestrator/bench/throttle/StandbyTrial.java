package dev.backfill.orchestrator.bench.throttle;

import dev.backfill.orchestrator.bench.Foreground;
import dev.backfill.orchestrator.bench.Trace;
import dev.backfill.orchestrator.bench.throttle.Rules.Deadline;
import dev.backfill.orchestrator.bench.throttle.Rules.Rule;
import dev.backfill.orchestrator.bench.throttle.Rules.Work;
import dev.backfill.orchestrator.testing.ReplayLimit;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;

/**
 * One rule at a time beside a standby whose replay is slowed, and an application that comes in bursts. The replay has 35 %
 * of the time in the first half, and 15 % in the second.
 */
final class StandbyTrial {

    private static final double FIRST = 0.35;
    private static final double THEN = 0.15;
    private static final double LONGEST_PAUSE = 5;
    private static final int LONGEST_BURST = 5;
    private static final double LEAST_RATE = 400;
    private static final double MORE_RATE = 350;
    private static final int CALIBRATION = 400;
    private static final double WARM_UP = 60;

    private final StandbyPlant plant;
    private final Foreground application;
    private final double seconds;
    private final long rows;

    /**
     * What came of a rule.
     *
     * @param trace what was seen meanwhile
     * @param rows how many were changed in a second
     */
    record Outcome(Trace trace, double rows) {}

    StandbyTrial(StandbyPlant plant, Path directory, double seconds) {
        this.plant = plant;
        this.seconds = seconds;
        this.rows = (long) (seconds * 120_000) / BatchLoop.BATCH * BatchLoop.BATCH;
        String sql = "UPDATE %s SET balance = balance + 1 WHERE id BETWEEN :id AND :id + 39"
                .formatted(StandbyPlant.ACCOUNTS);
        this.application = new Foreground(
                directory, plant.primary(), new Foreground.Script(List.of(sql), StandbyPlant.ACCOUNT_ROWS - 40));
    }

    /** Bytes of WAL that a changed row is, with nothing else on the server. */
    double bytesOfRow() throws SQLException, InterruptedException {
        plant.renew(CALIBRATION * BatchLoop.BATCH);
        try (BatchLoop loop = new BatchLoop(plant.primary(), 0, CALIBRATION * BatchLoop.BATCH)) {
            long before = plant.position();
            for (int i = 0; i < CALIBRATION; i++) {
                loop.next();
            }
            return (plant.position() - before) / (double) (CALIBRATION * BatchLoop.BATCH);
        }
    }

    /** What comes first would create all files of WAL that the others use again: a loop does, on both servers. */
    void warmUp() throws SQLException, InterruptedException {
        plant.renew(rows);
        try (BatchLoop loop = new BatchLoop(plant.primary(), 0, rows)) {
            for (Deadline end = Deadline.in(WARM_UP); !end.isOver(); ) {
                loop.next();
            }
        }
        plant.awaitCaughtUp();
    }

    /** Tries a rule; the same seed has the same bursts. Begins and ends with a standby that has caught up. */
    Outcome of(Rule rule, long seed) throws Exception {
        plant.renew(rows);
        Trace trace;
        try (Work work = rule.prepare(plant, rows);
                ReplayLimit limit = plant.limit();
                LagMeter meter = LagMeter.start(plant)) {
            limit.to(FIRST);
            Thread bursts = thread("bursts", () -> burst(new Random(seed), Deadline.in(seconds)));
            Thread change = thread("change", () -> {
                Thread.sleep((long) (seconds * 500));
                limit.to(THEN);
            });
            work.until(Deadline.in(seconds));
            trace = meter.trace();
            change.join();
            bursts.join();
        }
        double changed = StandbyPlant.changed(plant.primary()) / seconds;
        plant.awaitCaughtUp();
        return new Outcome(trace, changed);
    }

    private void burst(Random random, Deadline end) throws Exception {
        while (true) {
            end.pause(1 + random.nextDouble() * (LONGEST_PAUSE - 1));
            int wanted = 2 + random.nextInt(LONGEST_BURST - 1);
            int length = (int) Math.min(wanted, (end.nanos() - System.nanoTime()) / 1_000_000_000);
            if (length < 1) {
                return;
            }
            application.run(length, LEAST_RATE + random.nextDouble() * MORE_RATE);
        }
    }

    private interface Action {
        void run() throws Exception;
    }

    private static Thread thread(String name, Action action) {
        Thread thread = new Thread(
                () -> {
                    try {
                        action.run();
                    } catch (Exception e) {
                        throw new IllegalStateException(name + " cannot go on", e);
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
