package dev.backfill.orchestrator.bench.throttle;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The rules that are compared, each as its authors would write it. Those of others change the rows by two sessions at once,
 * each a half, as a script does that is started twice.
 */
final class Rules {

    static final String OURS = "ours, budget 5 s";
    static final String BRIEF = "ours, brief beside the application";
    static final String GH_OST = "on/off at 1.5 s, gh-ost's default";
    static final String AIMD = "AIMD on lag, target 2 s";
    static final String NOBODY = "the application alone";
    static final String LOOP = "loop without a throttle";

    /** How many sessions change rows, whatever the rule. */
    static final int WRITERS = 2;

    private Rules() {}

    /** Something that changes rows. */
    interface Rule {

        /** What can be done before the time begins. */
        Work prepare(StandbyPlant plant, long rows) throws Exception;
    }

    /** A rule that is ready. Closing it ends it. */
    interface Work extends AutoCloseable {

        /** Changes rows until then. */
        void until(Deadline end) throws SQLException, InterruptedException;

        @Override
        void close() throws SQLException;
    }

    /** When a rule's time is over, by the monotonic clock. */
    record Deadline(long nanos) {

        static Deadline in(double seconds) {
            return new Deadline(System.nanoTime() + (long) (seconds * 1e9));
        }

        boolean isOver() {
            return System.nanoTime() - nanos >= 0;
        }

        /** Waits for so long, or to the end. */
        void pause(double seconds) throws InterruptedException {
            long left = Math.min((long) (seconds * 1e9), nanos - System.nanoTime());
            if (left > 0) {
                Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
            }
        }
    }

    /** What a loop does again and again until its time is over. */
    private interface Step {
        void take(BatchLoop loop, Lookout lag, Deadline end) throws SQLException, InterruptedException;
    }

    /** All that need no process of their own, by their names. */
    static Map<String, Rule> ofOthers() {
        Map<String, Rule> rules = new LinkedHashMap<>();
        rules.put(GH_OST, onOff(1.5));
        rules.put("on/off at 5 s", onOff(5));
        rules.put("fixed sleep, 100 ms a batch", loop((batch, lag, end) -> {
            batch.next();
            end.pause(0.1);
        }));
        rules.put(AIMD, (plant, rows) -> new Looping(plant, rows, Lookout.replayed(plant, millis(250)), new Aimd()));
        rules.put(
                "GitLab's rule, time scaled 1:60",
                (plant, rows) -> new Looping(plant, rows, Lookout.replayed(plant, millis(250)), new Intervals()));
        rules.put(LOOP, loop((batch, lag, end) -> batch.next()));
        rules.put(NOBODY, loop((batch, lag, end) -> end.pause(1)));
        return rules;
    }

    /** Lag by a heartbeat, read ten times a second; while it is above the limit, it is looked again every 250 ms. */
    private static Rule onOff(double limit) {
        return loop((batch, lag, end) -> {
            if (lag.seconds() > limit) {
                end.pause(0.25);
            } else {
                batch.next();
            }
        });
    }

    private static Rule loop(Step step) {
        return (plant, rows) -> new Looping(plant, rows, Lookout.heartbeat(plant, millis(100)), step);
    }

    private static Duration millis(long millis) {
        return Duration.ofMillis(millis);
    }

    /**
     * As many rows a second more each second as is 0.5 MB of WAL, while the lag is at most 2 s; above it 0.7 of the rate, at
     * most every 2 s; above 5 s half.
     */
    private static final class Aimd implements Step {

        private static final double START = 4_800;
        private static final double MORE = 1_200;
        private static final double LEAST = 480;
        private volatile double rate = START;
        private long changed = System.nanoTime();

        @Override
        public void take(BatchLoop batch, Lookout lag, Deadline end) throws SQLException, InterruptedException {
            long begun = System.nanoTime();
            batch.next();
            steer(lag.seconds());
            end.pause(WRITERS * BatchLoop.BATCH / rate - (System.nanoTime() - begun) / 1e9);
        }

        private synchronized void steer(double lag) {
            double since = (System.nanoTime() - changed) / 1e9;
            if (lag > 2 && since >= 2) {
                rate = Math.max(LEAST, rate * (lag > 5 ? 0.5 : 0.7));
                changed = System.nanoTime();
            } else if (lag <= 2 && since >= 1) {
                rate += MORE;
                changed = System.nanoTime();
            }
        }
    }

    /**
     * In the manner of GitLab's batched migrations, with a second for a minute: health is asked every 2 s, before each job of
     * small batches, which lasts 0.95 of that; bad health, more than 1 s of lag, holds for 10 s. Between two batches is a
     * pause of 2 ms.
     */
    private static final class Intervals implements Step {

        private static final double INTERVAL = 2;
        private static final double FILLED = 0.95;
        private static final double ALLOWED = 1;
        private static final double HOLD = 10;
        private static final double PAUSE = 0.002;

        @Override
        public void take(BatchLoop batch, Lookout lag, Deadline end) throws SQLException, InterruptedException {
            if (lag.seconds() > ALLOWED) {
                end.pause(HOLD);
                return;
            }
            Deadline job = Deadline.in(INTERVAL * FILLED);
            while (!job.isOver() && !end.isOver()) {
                batch.next();
                end.pause(PAUSE);
            }
            end.pause(INTERVAL * (1 - FILLED));
        }
    }

    private static final class Looping implements Work {

        private final List<BatchLoop> batches = new ArrayList<>();
        private final Lookout lag;
        private final Step step;

        Looping(StandbyPlant plant, long rows, Lookout lag, Step step) throws SQLException {
            for (int i = 0; i < WRITERS; i++) {
                batches.add(new BatchLoop(plant.primary(), rows * i / WRITERS, rows * (i + 1) / WRITERS));
            }
            this.lag = lag;
            this.step = step;
        }

        @Override
        public void until(Deadline end) throws SQLException, InterruptedException {
            ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
            try {
                List<Future<?>> all = new ArrayList<>();
                for (BatchLoop batch : batches) {
                    all.add(threads.submit(() -> {
                        while (!end.isOver()) {
                            step.take(batch, lag, end);
                        }
                        return 0;
                    }));
                }
                for (Future<?> each : all) {
                    each.get();
                }
            } catch (ExecutionException e) {
                throw new SQLException(e);
            } finally {
                threads.shutdownNow();
            }
        }

        @Override
        public void close() throws SQLException {
            lag.close();
            for (BatchLoop batch : batches) {
                batch.close();
            }
        }
    }
}
