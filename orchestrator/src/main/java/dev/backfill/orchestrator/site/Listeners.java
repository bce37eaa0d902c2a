package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.Slice;
import java.time.Duration;
import java.util.List;

/**
 * Several listeners as one.
 *
 * @param all told in this order
 */
record Listeners(List<RunListener> all) implements RunListener {

    Listeners {
        all = List.copyOf(all);
    }

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        all.forEach(listener -> listener.batchCommitted(slice, batch, duration));
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        all.forEach(listener -> listener.batchRolledBack(slice, outcome, why));
    }

    @Override
    public void worker(Slice slice, boolean working) {
        all.forEach(listener -> listener.worker(slice, working));
    }

    @Override
    public void commitFenced(Slice slice) {
        all.forEach(listener -> listener.commitFenced(slice));
    }

    @Override
    public void held(String run, Hold hold, String detail) {
        all.forEach(listener -> listener.held(run, hold, detail));
    }

    @Override
    public void released(String run, Hold hold) {
        all.forEach(listener -> listener.released(run, hold));
    }

    @Override
    public void waitingFor(String run, String owner, long seconds) {
        all.forEach(listener -> listener.waitingFor(run, owner, seconds));
    }

    @Override
    public void stateChanged(Run run) {
        all.forEach(listener -> listener.stateChanged(run));
    }
}
