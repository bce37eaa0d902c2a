package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.BatchPlan;
import dev.backfill.orchestrator.batch.BatchRunner;
import dev.backfill.orchestrator.batch.BatchRunner.Result;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.Horizon;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.pacing.Ceiling;
import dev.backfill.orchestrator.pacing.Hands.Hand;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunListener.Outcome;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.wal.WalMeter;
import dev.backfill.orchestrator.wal.Written;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a worker does and says about a batch that failed: it waits, holds, passes a key over, or pauses the run. */
final class Setbacks {

    private static final Logger LOG = LoggerFactory.getLogger(Setbacks.class);
    /** What to do about what the server says. */
    static final String THEN_RESUME = "; mend that, then resume";

    /** What stops a run only when a key fails alone, or has taken its workers with it. */
    private static final Set<ErrorClass> OF_ONE_KEY =
            Set.of(ErrorClass.DATA, ErrorClass.TIMEOUT, ErrorClass.TOO_LARGE, ErrorClass.SESSION_LOST);

    private static final Duration AFTER_A_STRANGERS_CANCEL = Duration.ofSeconds(30);

    private final RunContext context;
    private final Stop stop;
    private final Hand hand;
    private final Patience patience;
    private final BatchRunner runner;
    private final Session session;
    private final RunListener listener;
    private final WalMeter meter = new WalMeter();
    private Optional<Hold> held = Optional.empty();
    private Optional<Yielding.Turn> last = Optional.empty();

    Setbacks(RunContext context, Stop stop, Hand hand, BatchRunner runner, Session session) {
        this.context = context;
        this.stop = stop;
        this.hand = hand;
        this.runner = runner;
        this.session = session;
        this.listener = context.around().listener();
        this.patience = new Patience(context.run(), listener, duration -> hand.rest(stop, duration), context.backoff());
    }

    /** How the worker waits for the database: without its hand. */
    Patience patience() {
        return patience;
    }

    /** Says that there will be a next attempt, and after how long. */
    Duration later(Slice slice, ErrorClass error, SQLException e, int failures) {
        String why = SqlStates.message(e);
        listener.batchRolledBack(slice, Outcome.RETRIED, why);
        boolean isOrdinary = error == ErrorClass.TIMEOUT
                || (failures == 1 && (error == ErrorClass.LOCK || error == ErrorClass.DATABASE_DOWN));
        if (!isOrdinary) {
            Patience.hold(error)
                    .ifPresent(hold -> hold(hold, hold.equals(Hold.LOCKED_ROWS) ? locked(slice, why) : why));
        }
        return SqlStates.pause(e).orElseGet(() -> patience.pause(error, failures));
    }

    /** Says that others have locks for longer than the attempts last. */
    void stayLocked(Slice slice, String why) {
        hold(Hold.LOCKED_ROWS, locked(slice, why));
    }

    private String locked(Slice slice, String why) {
        String others;
        try {
            long table = context.statement().table().identity().oid();
            others = session.use(open -> Horizon.locking(open, table));
        } catch (SQLException e) {
            others = "who, cannot be asked now";
        }
        return "rows of slice %d or their table stay locked by others: %s; tried again until they are free. Locks there have: %s"
                .formatted(slice.id().number(), why, others);
    }

    /** Makes the next batch, which is ended when somebody waits for it for too long. */
    Result run(Connection open, Slice slice, int size) throws SQLException {
        Runnable end = () -> {
            try {
                runner.cancel();
            } catch (SQLException e) {
                LOG.atDebug().setCause(e).log("could not end a batch that somebody waits for");
            }
        };
        int process = context.sessions().process(open);
        Ceiling ceiling = context.limits().ceiling();
        last = Optional.empty();
        boolean isMeasured = beginMeasuring(open, process);
        double bytes = ceiling.begin(size);
        long went = 0;
        try (Yielding.Turn turn = context.limits().yielding().begin(process, end)) {
            last = Optional.of(turn);
            Result result = runner.run(open, slice, size);
            went = result.batch().scanned();
            return result;
        } finally {
            ceiling.end(size, went, bytes);
            if (isMeasured) {
                Written written = meter.end(open);
                ceiling.wrote(written, went);
                listener.wrote(slice, written);
            }
        }
    }

    /** Begins to measure what the batch writes, if somebody wants to know; a ceiling has to. */
    private boolean beginMeasuring(Connection open, int process) throws SQLException {
        Ceiling ceiling = context.limits().ceiling();
        if (!ceiling.isOfWal()) {
            meter.forget();
            return false;
        }
        try {
            meter.begin(open, process != 0);
        } catch (SQLException e) {
            if (ceiling.isForWal()) {
                throw e;
            }
        }
        return true;
    }

    /** Whether the last batch was ended for somebody who waited; says so. One that cannot be any smaller makes the run hold. */
    boolean hasGivenWay(Slice slice, BatchPlan plan) {
        Optional<String> waited = last.flatMap(Yielding.Turn::victim);
        waited.ifPresent(who -> {
            boolean smallest = plan.gaveWay();
            listener.gaveWay(slice, who, last.get().freedAfter());
            listener.batchRolledBack(
                    slice, smallest ? Outcome.RETRIED : Outcome.SPLIT, who + " waited for it, and it gave way");
            if (smallest) {
                context.limits().yielding().holdFor(who);
            }
        });
        return waited.isPresent();
    }

    /** Says that somebody cancelled the statement, and how long to wait: who does that has a reason. */
    Duration cancelled(Slice slice, String why) {
        listener.batchRolledBack(slice, Outcome.RETRIED, why + "; somebody cancelled it, the next attempt is in 30 s");
        LOG.atInfo()
                .addKeyValue("run", slice.id().run())
                .addKeyValue("slice", slice.id().number())
                .log("somebody cancelled a batch; the next attempt is in 30 s");
        return AFTER_A_STRANGERS_CANCEL;
    }

    /**
     * Claims a slice anew whose connection is gone, as soon as the database is there.
     *
     * @param isDeath whether the batch may have taken its session with it: the connection broke under it without a word
     *     from the server
     */
    Optional<Slice> claimAnew(Slice slice, boolean isDeath) throws Hopeless, Stopped {
        session.close();
        Optional<Slice> mine = patience.call(
                () -> session.use(open -> context.stores().leases().claimAnew(open, slice, isDeath)));
        if (mine.isEmpty()) {
            listener.batchRolledBack(slice, Outcome.RETRIED, "the slice has gone to another worker meanwhile");
        }
        return mine;
    }

    /** Why a key that took its workers with it is set aside. */
    Quarantine.Failure deadly(Slice slice) {
        String message = "its batch was tried alone, and the worker was gone before it was committed";
        return new Quarantine.Failure(
                ErrorClass.SESSION_LOST,
                "",
                message,
                Optional.empty(),
                slice.lease().attempts());
    }

    /** Says that a slice has been taken from workers that were gone, when that makes its batches smaller. */
    void taken(Slice slice, int size) {
        if (slice.lease().attempts() >= context.execution().errors().attempts()) {
            listener.batchRolledBack(slice, Outcome.SPLIT, "its workers are gone in mid-batch again and again");
            LOG.atWarn()
                    .addKeyValue("run", slice.id().run())
                    .addKeyValue("slice", slice.id().number())
                    .addKeyValue("attempts", slice.lease().attempts())
                    .addKeyValue("size", size)
                    .log("workers are gone in mid-batch again and again; the next batch is smaller, down to the key");
        }
    }

    /**
     * Sets the next key aside; when the run's budget for that is used up, pauses the run.
     *
     * @return what came of it; empty when the run is paused
     */
    Optional<Result> passOver(Slice slice, Quarantine.Failure failure) throws SQLException, Hopeless, Stopped {
        int budget = context.execution().errors().quarantine();
        Optional<Result> result;
        try {
            result = runner.passOver(session.connection(), slice, failure, budget);
        } catch (SQLException e) {
            ErrorClass error = SqlStates.classify(e);
            if (error != ErrorClass.DATA && error != ErrorClass.PAUSE) {
                throw e;
            }
            pause(slice, failure, "the key cannot be set aside: " + SqlStates.message(e));
            return Optional.empty();
        }
        if (result.isEmpty()) {
            String spent = budget == 0 ? "" : "; errors.quarantine is used up, which is " + budget;
            pause(slice, failure, failure.message() + spent + THEN_RESUME);
        } else if (result.get().runState().isPresent()) {
            listener.setAside(slice, result.get().batch().to(), failure.message());
        }
        return result;
    }

    /** Pauses the run: nobody but a person can help. */
    void pause(Slice slice, Quarantine.Failure failure, String why) throws Hopeless, Stopped {
        Optional<Key> key = OF_ONE_KEY.contains(failure.error())
                ? Optional.of(patience.call(() -> session.use(open -> runner.firstKey(open, slice))))
                : Optional.empty();
        String place =
                key.map(alone -> "key " + alone).orElse("slice " + slice.id().number());
        String reason = "at " + place + ": " + why;
        listener.batchRolledBack(slice, Outcome.FAILED, reason);
        patience.call(() -> {
            context.pause(reason, key, failure);
            return true;
        });
        stop.request();
    }

    /** Gives a slice back, so that any worker may take it after a while. */
    void giveBack(Slice slice, Duration rest) throws Hopeless, Stopped {
        Stop never = new Stop(context.around().timing());
        Patience.Rest withoutHand = duration -> {
            hand.rest(never, duration);
            return false; // a slice is given back also after a stop, once
        };
        new Patience(context.run(), listener, withoutHand, context.backoff()).call(() -> {
            try {
                return session.use(open -> {
                    context.stores().leases().giveBack(open, slice, rest);
                    return true;
                });
            } catch (SQLException e) {
                if (stop.isRequested()) {
                    return false; // its lease runs out by itself
                }
                throw e;
            }
        });
    }

    /** Pauses the run, which is as far as its job wants it to go unwatched. */
    void pauseAtCanary() throws Hopeless, Stopped {
        patience.call(() -> {
            context.pauseAtCanary();
            return true;
        });
        stop.request();
    }

    private void hold(Hold hold, String detail) {
        held = Optional.of(hold);
        listener.held(context.run(), hold, detail);
    }

    /** Says that the run moves again, if it was said that it did not. */
    void release() {
        if (held.isPresent()) {
            listener.released(context.run(), held.get());
            held = Optional.empty();
        }
    }
}
