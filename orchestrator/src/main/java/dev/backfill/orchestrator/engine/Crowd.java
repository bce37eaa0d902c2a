package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.pacing.Steering.Course;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceStore.Working;
import dev.backfill.orchestrator.slicing.LiveSplitter;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many workers a run may have, over all processes: which of its slices are too many, and what part of them is worked
 * here. Safe for use by several threads.
 */
final class Crowd {

    private static final Logger LOG = LoggerFactory.getLogger(Crowd.class);
    private static final Duration AFTER_A_DEAR_CUT = Duration.ofSeconds(5);

    private final RunContext context;
    private final Keeper keeper;
    private final AtomicBoolean uncut = new AtomicBoolean();
    private int most;
    private volatile Set<Integer> surplus = Set.of();

    Crowd(RunContext context, Keeper keeper) {
        this.context = context;
        this.keeper = keeper;
        this.most = context.statement().job().execution().parallelism();
    }

    /** How many workers the run may have now. */
    int allowed() {
        Course course = context.limits().steering().course();
        return Math.min(course.execution().parallelism(), course.throttle().workers());
    }

    /** Whether a slice is better given back, for the run has more workers than it may have. */
    boolean isTooMany(Slice slice) {
        return surplus.contains(slice.id().number());
    }

    /** Looks who works, where that matters. One thread. */
    void look() {
        int allowed = allowed();
        var pacing = context.execution().pacing();
        context.limits().ceiling().limit(pacing.ceilings());
        context.limits().share().weigh(pacing.weight(), pacing.parallelism());
        most = Math.max(most, allowed);
        if (allowed == most && pacing.ceilings().isEmpty()) {
            surplus = Set.of();
            return;
        }
        List<Integer> worked = context.stores().slices().working(context.run()).stream()
                .map(Working::number)
                .toList();
        Set<Integer> mine = keeper.numbers();
        context.limits()
                .ceiling()
                .share((int) worked.stream().filter(mine::contains).count(), worked.size());
        surplus = worked.stream().skip(allowed).filter(mine::contains).collect(Collectors.toUnmodifiableSet());
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
}
