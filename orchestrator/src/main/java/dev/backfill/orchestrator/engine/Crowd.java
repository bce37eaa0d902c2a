package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.pacing.Ceiling;
import dev.backfill.orchestrator.pacing.Ramp;
import dev.backfill.orchestrator.pacing.Shares.Share;
import dev.backfill.orchestrator.pacing.Steering.Course;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceStore.Working;
import dev.backfill.orchestrator.slicing.LiveSplitter;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many workers a run may have, over all processes: which of its slices are too many, and what part of them is worked
 * here. Safe for use by several threads.
 */
final class Crowd {

    private static final Logger LOG = LoggerFactory.getLogger(Crowd.class);
    private static final Duration SHORT_REST = Duration.ofMillis(50);
    private static final Duration LONG_REST = Duration.ofMillis(500);
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration AFTER_A_DEAR_CUT = Duration.ofSeconds(5);

    private final RunContext context;
    private final Keeper keeper;
    private final Ramp ramp;
    private final AtomicBoolean uncut = new AtomicBoolean();
    private int most;
    private final Set<Integer> surplus = ConcurrentHashMap.newKeySet();

    Crowd(RunContext context, Keeper keeper) {
        this.context = context;
        this.keeper = keeper;
        this.ramp = new Ramp(context.around().timing().nanos());
        this.most = context.statement().job().execution().parallelism();
    }

    /** How many workers the run may have now. */
    int allowed() {
        Course course = context.limits().steering().course();
        return Math.min(course.execution().parallelism(), course.throttle().workers());
    }

    /** Whether the run may not have so many workers as this one is of them here, counted from 1, or has no use for it now. */
    boolean isSpare(int worker) {
        if (worker == 1) {
            return false;
        }
        isAtFullPace();
        return worker > ramp.workers(allowed(), context.around().timing().nanos());
    }

    /** How long a spare worker rests until it asks again. */
    Duration rest() {
        return ramp.isRising() ? SHORT_REST : LONG_REST;
    }

    /** A batch was committed: it shows whether more workers would do more. */
    void committed(int worker, long rows) {
        if (isAtFullPace()) {
            ramp.committed(worker, rows, allowed(), context.around().timing().nanos());
        }
    }

    /** Tells the ramp how the run goes. */
    private boolean isAtFullPace() {
        Throttle throttle = context.limits().steering().course().throttle();
        long now = context.around().timing().nanos();
        boolean isFull = throttle.pace().ratio() == 1;
        if (!isFull) {
            ramp.slowed(now);
        }
        ramp.brief(throttle.wantsBrief(), now);
        return isFull;
    }

    /** Whether a slice is better given back, for the run has more workers than it may have; said once. */
    boolean isTooMany(Slice slice) {
        return surplus.remove(slice.id().number());
    }

    /** Looks who works, where that matters. One thread. */
    void look() {
        int allowed = allowed();
        var pacing = context.execution().pacing();
        context.limits()
                .share()
                .weigh(
                        pacing.weight(),
                        ramp.workers(allowed, context.around().timing().nanos()));
        most = Math.max(most, allowed);
        surplus.clear();
        if (allowed == most && pacing.ceilings().isEmpty()) {
            return;
        }
        List<Integer> worked = context.stores().slices().working(context.run()).stream()
                .map(Working::number)
                .toList();
        Set<Integer> mine = keeper.numbers();
        int here = (int) worked.stream().filter(mine::contains).count();
        int coming = here == 0 ? Math.max(1, allowed - worked.size()) : 0;
        Ceiling ceiling = context.limits().ceiling();
        if (here > 0 || ceiling.owed().isZero()) { // who waits for what it owes has its part as before
            ceiling.share(here + coming, worked.size() + coming);
        }
        worked.stream().skip(allowed).filter(mine::contains).forEach(surplus::add);
    }

    /** Looks what other runs weigh, where that matters. */
    void weigh() {
        Share share = context.limits().share();
        if (share.wantsToSee()) {
            share.see(context.means().weights().get());
        }
    }

    /** A cut is a favour: when it would have to wait or cannot be made, there is none. */
    boolean split(Session session, LiveSplitter splitter, Run run, Stop stop) throws SQLException {
        FrozenRange range = run.details().range().orElseThrow();
        try {
            return session.use(open -> splitter.split(open, run.id(), range, allowed()));
        } catch (SQLException e) {
            ErrorClass error = SqlStates.classify(e);
            boolean impossible = error == ErrorClass.DATA || error == ErrorClass.PAUSE;
            if (!impossible && error != ErrorClass.LOCK && error != ErrorClass.TIMEOUT) {
                throw e;
            }
            if (impossible && uncut.compareAndSet(false, true)) {
                LOG.atWarn()
                        .addKeyValue("job", run.revision().job())
                        .log(
                                "cannot cut a slice for an idle worker: {}; the run goes on, and its last slices may take longer",
                                SqlStates.message(e));
            }
            stop.sleep(AFTER_A_DEAR_CUT);
            return false;
        }
    }

    /** Until somebody here is through with a slice, or for a moment; false when work was asked to stop. */
    boolean waitForOthers(Run run, Stop stop, CountDownLatch next) {
        if (keeper.isIdle()) {
            context.stores()
                    .slices()
                    .foreignLease(run.id(), context.stores().leases().owner())
                    .ifPresent(f -> context.around().listener().waitingFor(run.id(), f.owner(), f.seconds()));
        }
        context.around().timing().await(next, LOOK);
        return !stop.isRequested();
    }
}
