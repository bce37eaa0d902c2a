package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.BatchRunner;
import dev.backfill.orchestrator.batch.BatchRunner.Frame;
import dev.backfill.orchestrator.batch.BatchRunner.Timeouts;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.slicing.LiveSplitter;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The workers of one run in this process, from the first claim until no slice is left, the run is no longer RUNNING, or
 * work is asked to stop. Used once.
 */
final class WorkCrew {

    private static final Logger LOG = LoggerFactory.getLogger(WorkCrew.class);
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration LOOK_AT_STATE = Duration.ofSeconds(1);
    private static final Duration UNTIL_CANCEL = Duration.ofSeconds(3);

    private final RunContext context;
    private final Run run;
    private final FrozenRange range;
    private final Timeouts timeouts;
    private final Stop stop;
    private final Keeper keeper;
    private final Canary canary;
    private final Crowd crowd;
    private final List<CountDownLatch> working = new ArrayList<>();
    private final List<BatchRunner> runners = new ArrayList<>();
    private final Queue<SliceWorker> workers = new ConcurrentLinkedQueue<>();
    private final AtomicReference<Hopeless> failure = new AtomicReference<>();
    private volatile boolean goingHome;
    private volatile boolean allDone;
    private volatile CountDownLatch sliceEnd = new CountDownLatch(1);

    WorkCrew(RunContext context, Run run, Timeouts timeouts, Canary canary) {
        this.context = context;
        this.run = run;
        this.range = run.details().range().orElseThrow();
        this.timeouts = timeouts;
        this.canary = canary;
        Timing timing = context.around().timing();
        this.stop = new Stop(timing);
        this.keeper = new Keeper(
                context.stores().slices(),
                context.stores().leases(),
                timing,
                timeouts.patient().plus(timeouts.lock()).plusSeconds(5));
        this.crowd = new Crowd(context, keeper);
    }

    /** Works until there is nothing left to do here. */
    void work() throws Hopeless {
        Stop keeping = new Stop(context.around().timing());
        begin("keeper", () -> keeper.keep(keeping));
        try {
            look();
            beginWorkers();
            watch();
        } catch (RuntimeException | Error e) {
            stop.request();
            watch(); // nobody is left behind
            throw e;
        } finally {
            keeping.request();
        }
        Hopeless hopeless = failure.get();
        if (hopeless != null) {
            throw hopeless;
        }
    }

    /** As many as the run may have, and more when it may have more. */
    private void beginWorkers() {
        int wanted = context.execution().parallelism();
        context.sessions().allow(Math.max(working.size(), wanted) + 1);
        while (working.size() < wanted) {
            int number = working.size() + 1;
            CountDownLatch end = new CountDownLatch(1);
            BatchRunner runner = runner();
            runners.add(runner);
            begin("worker " + number, () -> {
                try {
                    workSlices(number, runner);
                    runner.close();
                } finally {
                    end.countDown();
                }
            });
            working.add(end);
        }
    }

    /** Whether all workers have ended, after a while at most. */
    private boolean haveEnded(Timing timing) {
        for (CountDownLatch end : working) {
            if (!timing.await(end, LOOK)) {
                return false;
            }
        }
        return true;
    }

    private void watch() {
        Timing timing = context.around().timing();
        long asked = -1;
        long looked = timing.nanos();
        while (!haveEnded(timing)) {
            if (context.around().stop().isRequested()) {
                stop.request();
            }
            runners.forEach(runner -> tell(runner, BatchRunner::watch));
            if (!workers.isEmpty() && workers.stream().allMatch(SliceWorker::isLongHeld)) {
                goingHome = true; // all together: whoever stayed would be alone when the run moves again
            }
            if (!stop.isRequested()) {
                if (timing.since(looked).compareTo(LOOK_AT_STATE) > 0) {
                    looked = timing.nanos();
                    look();
                    if (!goingHome && !stop.isRequested() && workers.size() == working.size()) {
                        beginWorkers();
                    }
                }
            } else if (asked < 0) {
                asked = timing.nanos();
            } else if (timing.since(asked).compareTo(UNTIL_CANCEL) > 0) {
                runners.forEach(runner -> tell(runner, BatchRunner::cancel));
            }
        }
    }

    private void look() {
        try {
            if (context.find().state() != RunState.RUNNING) {
                stop.request();
            }
            if (canary.isWatching()) {
                canary.seen(progress().rows().scanned());
            }
            crowd.look();
            crowd.weigh();
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e); // the workers say what is wrong with the database
        }
    }

    private void workSlices(int number, BatchRunner runner) {
        SliceWorker worker = new SliceWorker(context, new Place(number, keeper, crowd, stop), runner, canary);
        workers.add(worker);
        try (worker) {
            LiveSplitter splitter = new LiveSplitter(
                    context.statement(),
                    context.stores().slices(),
                    2L * context.execution().batch().size());
            boolean left = true;
            while (left && !stop.isRequested()) {
                left = crowd.isSpare(number) ? standBy(worker) : turn(worker, splitter);
            }
        } catch (Hopeless e) {
            fail(e);
        } catch (Stopped e) {
            LOG.atDebug().log("a worker ended because work was asked to stop");
        } catch (RuntimeException | Error e) {
            LOG.atError().setCause(e).log("a worker failed; the run will be paused");
            fail(new Hopeless(e));
        } finally {
            workers.remove(worker);
        }
    }

    /** The run has no work for so many; false when it has none for anybody. */
    private boolean standBy(SliceWorker worker) {
        worker.standBy();
        return !goingHome && !allDone && !stop.sleep(crowd.rest());
    }

    /** A slice, or a look for one; false when there is nothing left to do here. */
    private boolean turn(SliceWorker worker, LiveSplitter splitter) throws Hopeless, Stopped {
        if (goingHome || allDone) {
            return false;
        }
        if (!worker.mayMove()) {
            return !stop.sleep(LOOK);
        }
        Duration owed = worker.owed();
        if (!owed.isZero()) {
            worker.session().close();
            allDone = allDone || context.patience(stop).call(() -> progress().isDone());
            return !allDone && !stop.sleep(owed.compareTo(LOOK_AT_STATE) < 0 ? owed : LOOK_AT_STATE);
        }
        if (!worker.hand().take(stop, worker.session()::close)) {
            return false;
        }
        try {
            Optional<Slice> slice = worker.claim();
            if (slice.isPresent()) {
                worker.work(slice.get());
                tellThoseWhoWait();
                return true;
            }
        } finally {
            worker.hand().giveBack();
        }
        return wait(worker, splitter);
    }

    /** Nothing to claim: is all done, can a slice be cut, or does somebody else work the rest? */
    private boolean wait(SliceWorker worker, LiveSplitter splitter) throws Hopeless, Stopped {
        return context.patience(stop).call(() -> {
            CountDownLatch next = sliceEnd;
            if (allDone || progress().isDone()) {
                allDone = true; // for all: whoever stayed would be alone with what comes later
                return false;
            }
            if (context.limits().hands().areWanted()) {
                worker.session().close(); // who waits for the hand has its session too
                return crowd.waitForOthers(run, stop, next);
            }
            return crowd.split(worker.session(), splitter, run, stop) || crowd.waitForOthers(run, stop, next);
        });
    }

    private SliceStore.Progress progress() {
        return context.stores().slices().progress(run.id());
    }

    private void tellThoseWhoWait() {
        CountDownLatch ended = sliceEnd;
        sliceEnd = new CountDownLatch(1);
        ended.countDown();
    }

    private BatchRunner runner() {
        Frame frame = new Frame(
                context.statement(),
                new Slicer(context.statement()).beginning(range),
                run.details().started().orElseThrow());
        var leases = context.stores().leases();
        Checkpoints checkpoints = new Checkpoints(leases.tables(), leases.lease());
        return new BatchRunner(
                frame,
                context.means().changes().get(),
                checkpoints,
                timeouts,
                context.around().timing());
    }

    private void fail(Hopeless e) {
        failure.compareAndSet(null, e);
        stop.request();
    }

    private interface Order {
        void to(BatchRunner runner) throws SQLException;
    }

    private static void tell(BatchRunner runner, Order order) {
        try {
            order.to(runner);
        } catch (SQLException e) {
            LOG.atDebug().setCause(e).log("could not cancel a statement");
        }
    }

    private void begin(String name, Runnable work) {
        start("backfill " + run.revision().job() + " " + name, work);
    }

    /** Starts a thread that keeps no process from ending. */
    static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }
}
