package dev.backfill.orchestrator.engine;

import dev.backfill.api.Execution;
import dev.backfill.orchestrator.batch.BatchPlan;
import dev.backfill.orchestrator.batch.BatchRunner;
import dev.backfill.orchestrator.batch.BatchRunner.Mode;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.pacing.Hands.Hand;
import dev.backfill.orchestrator.pacing.Pacer;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Outcome;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Works one slice on one connection, batch after batch, until it is done, lost, set aside, or work is asked to stop. One
 * worker, one thread.
 */
final class SliceWorker implements AutoCloseable {

    private static final Duration REST_OF_LOCKED_ROWS = Duration.ofSeconds(5);
    private static final Duration LONG_HOLD = Duration.ofSeconds(10);
    private static final Duration TURN = Duration.ofSeconds(2);

    /** How which session is set. */
    private record Setting(int generation, Mode mode, boolean isSuspicious) {}

    private final RunContext context;
    private final Place place;
    private final BatchRunner runner;
    private final BatchPlan plan;
    private final RunListener listener;
    private final Timing timing;
    private final Session session;
    private final Pacer pacer;
    private final Canary canary;
    private final Hand hand;
    private final Setbacks setbacks;
    private boolean isUnderWay;
    private long stillSince = -1;
    private volatile boolean isLongHeld;
    private @Nullable Setting setting;

    SliceWorker(RunContext context, Place place, BatchRunner runner, Canary canary) {
        Execution execution = context.execution();
        this.context = context;
        this.place = place;
        this.runner = runner;
        this.plan = new BatchPlan(execution.batch(), execution.errors().attempts(), runner.timeout(Mode.BRISK));
        this.listener = context.around().listener();
        this.timing = context.around().timing();
        this.session = new Session(context.sessions());
        this.pacer = context.pacer();
        this.canary = canary;
        this.hand = context.limits().hands().hand();
        this.setbacks = new Setbacks(context, place.stop(), hand, runner, session);
    }

    /** Whether the run may move; while it may not, this worker holds neither a slice nor a connection. */
    boolean mayMove() {
        boolean may = pacer.mayMove();
        stillSince = may ? -1 : stillSince < 0 ? timing.nanos() : stillSince;
        isLongHeld = !may && timing.since(stillSince).compareTo(LONG_HOLD) > 0;
        if (!may) {
            session.close();
        }
        return may;
    }

    /** The run may not have so many workers: this one holds nothing, and keeps nobody from going home. */
    void standBy() {
        pacer.mayMove(); // holds with the others
        setbacks.release();
        session.close();
        isLongHeld = true;
    }

    /** Whether the run has been held for so long that its workers are better sent home. */
    boolean isLongHeld() {
        return isLongHeld;
    }

    /** How long what the run may do in a second is used up. */
    Duration owed() {
        return context.limits().ceiling().owed();
    }

    /** Takes a slice, if there is one to take. */
    Optional<Slice> claim() throws Hopeless, Stopped {
        int workers = place.crowd().allowed();
        return setbacks.patience()
                .call(() -> session.use(open -> context.stores().leases().claim(open, context.run(), workers)));
    }

    /** This worker's right to work. */
    Hand hand() {
        return hand;
    }

    /** This worker's connection. */
    Session session() {
        return session;
    }

    /** Works a slice as far as it goes. */
    void work(Slice claimed) throws Hopeless, Stopped {
        Optional<Slice> slice = Optional.of(claimed);
        Slice signed = claimed;
        long begun = timing.nanos();
        listener.worker(claimed, true);
        taken(claimed);
        try {
            while (slice.isPresent() && !place.stop().isRequested() && !isLeft(slice.get(), begun)) {
                signed = slice.get();
                place.keeper().sign(signed);
                if (!awaitPace(signed)) {
                    break;
                }
                slice = next(signed);
            }
            if (slice.isPresent()) {
                setbacks.giveBack(slice.get(), Duration.ZERO);
            }
        } finally {
            place.keeper().leave(signed);
            listener.worker(signed, false);
        }
    }

    /** Whether this worker has had its hand for long while others wait for one, or the run has one worker too many. */
    private boolean isLeft(Slice slice, long begun) {
        double turn = TURN.toNanos() * context.limits().share().part();
        return place.isTooMany(slice)
                || (timing.nanos() - begun > turn && context.limits().hands().areWanted());
    }

    /** Waits without a transaction while the run is held, or owes; false when the slice is better given back. */
    private boolean awaitPace(Slice slice) {
        if (!place.workOff(slice, context.limits())) {
            return false;
        }
        boolean go = pacer.await(place.stop(), LONG_HOLD);
        place.keeper().sign(slice);
        return go;
    }

    @Override
    public void close() {
        setbacks.release();
        pacer.release();
        session.close();
    }

    /** One batch; the slice as it is after it, empty when this worker is through with it. */
    private Optional<Slice> next(Slice slice) throws Hopeless, Stopped {
        long start = timing.nanos();
        isUnderWay = false;
        try {
            Connection open = session.connection();
            start = timing.nanos();
            Setting wanted = new Setting(session.generation(), plan.mode(), plan.isSuspicious());
            if (!wanted.equals(setting)) {
                runner.enter(open, wanted.mode(), wanted.isSuspicious());
                setting = wanted;
            }
            if (plan.isNextKeyDeadly()) {
                return passOver(slice, setbacks.deadly(slice));
            }
            isUnderWay = true;
            context.limit(plan);
            BatchRunner.Result result = setbacks.run(open, slice, canary.cut(plan.size()));
            return result.runState().isPresent() ? committed(slice, result, timing.since(start)) : refused(open, slice);
        } catch (SQLException e) {
            return failed(slice, e, timing.since(start));
        }
    }

    private Optional<Slice> committed(Slice slice, BatchRunner.Result result, Duration took) throws Hopeless, Stopped {
        plan.committed(result.batch().scanned(), took, result.changing());
        setbacks.release();
        listener.batchCommitted(slice, result.batch(), took);
        if (result.runState().filter(state -> state != RunState.RUNNING).isPresent()) {
            place.stop().request();
        } else if (canary.reachedBy(result.batch().scanned())) {
            setbacks.pauseAtCanary();
        } else {
            context.limits().share().moved();
            place.committed(result.batch().scanned());
            place.rest(slice, pacer.rest(took));
        }
        Slice after = slice.at(result.batch().to());
        return result.batch().to().equals(slice.bounds().to()) ? Optional.empty() : Optional.of(after);
    }

    /** The checkpoint hit no row: forget what is known, read again. */
    private Optional<Slice> refused(Connection open, Slice slice) throws SQLException, Hopeless, Stopped {
        Optional<Slice> again = context.stores().leases().readAgain(open, slice);
        if (again.isEmpty()) {
            setbacks.patience().call(() -> {
                context.stores().events().commitFenced(slice);
                return true;
            });
            listener.commitFenced(slice);
        }
        return again;
    }

    private Optional<Slice> failed(Slice slice, SQLException e, Duration took) throws Hopeless, Stopped {
        ErrorClass error = SqlStates.classify(e);
        boolean isUnknown = session.isLost() && error != ErrorClass.PAUSE; // the pool drops a session for 0A000, too
        if (error == ErrorClass.DATABASE_DOWN || error == ErrorClass.SESSION_LOST || isUnknown) {
            return lost(slice, e);
        }
        if (place.stop().isRequested()) {
            return Optional.of(slice);
        }
        if (error == ErrorClass.TIMEOUT && isUnderWay && setbacks.hasGivenWay(slice, plan)) {
            return Optional.of(slice);
        }
        if (error == ErrorClass.TIMEOUT && took.compareTo(runner.timeout(plan.mode())) < 0) {
            place.keep(slice, setbacks.cancelled(slice, SqlStates.message(e)), setbacks.patience(), timing);
            return Optional.of(slice);
        }
        return after(slice, error, e);
    }

    /** What comes after a batch that is known to have been rolled back. */
    private Optional<Slice> after(Slice slice, ErrorClass error, SQLException e) throws Hopeless, Stopped {
        String why = SqlStates.message(e);
        return switch (plan.failed(error)) {
            case AGAIN_NOW -> {
                listener.batchRolledBack(slice, Outcome.SPLIT, why);
                yield Optional.of(slice);
            }
            case AGAIN_LATER -> {
                place.keep(slice, setbacks.later(slice, error, e, plan.failures()), setbacks.patience(), timing);
                yield Optional.of(slice);
            }
            case SET_ASIDE -> {
                setbacks.stayLocked(slice, why);
                setbacks.giveBack(slice, REST_OF_LOCKED_ROWS);
                yield Optional.empty();
            }
            case PASS_OVER -> passOver(slice, Quarantine.Failure.of(e, error, plan.failures()));
            case STOP -> {
                Quarantine.Failure failure = Quarantine.Failure.of(e, error, plan.failures());
                setbacks.pause(slice, failure, SqlStates.isSaidByOthers(e) ? why + Setbacks.THEN_RESUME : why);
                yield Optional.of(slice);
            }
        };
    }

    /** The key that fails alone; the worker goes on behind it. */
    private Optional<Slice> passOver(Slice slice, Quarantine.Failure failure) throws Hopeless, Stopped {
        try {
            Optional<BatchRunner.Result> result = setbacks.passOver(slice, failure);
            if (result.isEmpty()) {
                return Optional.of(slice);
            }
            return result.get().runState().isPresent()
                    ? committed(slice, result.get(), Duration.ZERO)
                    : refused(session.connection(), slice);
        } catch (SQLException again) {
            return failed(slice, again, runner.timeout(plan.mode())); // nobody else's cancel
        }
    }

    /** The connection is gone and the outcome unknown: a new fence first, only then the checkpoint. */
    private Optional<Slice> lost(Slice slice, SQLException e) throws Hopeless, Stopped {
        boolean isOverTime = SqlStates.isOverTime(e) || SqlStates.classify(e) == ErrorClass.TIMEOUT;
        boolean isDeath = isUnderWay && !isOverTime && !SqlStates.isSaidByOthers(e);
        Optional<Slice> mine = setbacks.claimAnew(slice, isDeath);
        mine.ifPresent(this::taken);
        if (mine.isEmpty()
                || place.stop().isRequested()
                || !mine.get().position().equals(slice.position())) {
            listener.batchRolledBack(slice, Outcome.RETRIED, SqlStates.message(e));
            return mine;
        }
        return after(mine.get(), isOverTime ? ErrorClass.TIMEOUT : ErrorClass.DATABASE_DOWN, e);
    }

    private void taken(Slice slice) {
        runner.forget();
        plan.taken(slice.lease().attempts());
        setbacks.taken(slice, plan.size());
    }
}
