package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.BatchRunner;
import dev.backfill.orchestrator.batch.BatchRunner.Result;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.engine.Patience.Hopeless;
import dev.backfill.orchestrator.engine.Patience.Stopped;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunListener.Outcome;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.util.Optional;

/** What a worker does and says about a batch that failed: it waits, holds, passes a key over, or pauses the run. */
final class Setbacks {

    private final RunContext context;
    private final Stop stop;
    private final Patience patience;
    private final BatchRunner runner;
    private final Session session;
    private final RunListener listener;
    private Optional<Hold> held = Optional.empty();

    Setbacks(RunContext context, Stop stop, Patience patience, BatchRunner runner, Session session) {
        this.context = context;
        this.stop = stop;
        this.patience = patience;
        this.runner = runner;
        this.session = session;
        this.listener = context.around().listener();
    }

    /** Waits before the next attempt. */
    void later(Slice slice, ErrorClass error, String why, int failures) {
        listener.batchRolledBack(slice, Outcome.RETRIED, why);
        boolean ordinary = error == ErrorClass.TIMEOUT || (error == ErrorClass.LOCK && failures == 1);
        if (!ordinary) {
            Patience.hold(error).ifPresent(hold -> hold(hold, why));
        }
        patience.sleep(patience.pause(error, failures));
    }

    /**
     * Sets the next key aside; when the run's budget for that is used up, pauses the run.
     *
     * @return what came of it; empty when the run is paused
     */
    Optional<Result> passOver(Slice slice, SQLException e, int failures) throws SQLException, Hopeless, Stopped {
        int budget = context.execution().errors().quarantine();
        Quarantine.Failure failure = new Quarantine.Failure(
                SqlStates.classify(e),
                SqlStates.state(e).orElse(""),
                SqlStates.message(e),
                SqlStates.detail(e),
                failures);
        Optional<Result> result = runner.passOver(session.connection(), slice, failure, budget);
        if (result.isEmpty()) {
            String spent = budget == 0 ? "" : "; errors.quarantine is used up, which is " + budget;
            pause(slice, ErrorClass.DATA, SqlStates.message(e) + spent);
        } else if (result.get().runState().isPresent()) {
            listener.setAside(slice, result.get().batch().to(), SqlStates.message(e));
        }
        return result;
    }

    /** Pauses the run: nobody but a person can help. */
    void pause(Slice slice, ErrorClass error, String why) throws Hopeless, Stopped {
        String place = "slice " + slice.id().number();
        if (error == ErrorClass.DATA || error == ErrorClass.TIMEOUT) {
            place = "key " + patience.call(() -> session.use(open -> runner.firstKey(open, slice)));
        }
        String reason = "at " + place + ": " + why;
        listener.batchRolledBack(slice, Outcome.FAILED, reason);
        patience.call(() -> {
            context.pause(reason);
            return true;
        });
        stop.request();
    }

    void hold(Hold hold, String detail) {
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
