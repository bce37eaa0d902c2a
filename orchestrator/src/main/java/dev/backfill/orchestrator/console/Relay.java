package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.Slice;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the first run that begins, and tells who is named then what happens to runs. Safe for use by several threads.
 */
public final class Relay implements RunListener {

    private volatile @Nullable Run first;
    private volatile RunListener told = new RunListener() {};

    /** Has heard of nothing. */
    public Relay() {}

    /**
     * The first run that was heard of.
     *
     * @return as it was then; empty before
     */
    public Optional<Run> first() {
        return Optional.ofNullable(first);
    }

    /**
     * Names who is told from now on.
     *
     * @param listener hears everything
     */
    public void tell(RunListener listener) {
        told = listener;
    }

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        told.batchCommitted(slice, batch, duration);
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        told.batchRolledBack(slice, outcome, why);
    }

    @Override
    public void worker(Slice slice, boolean working) {
        told.worker(slice, working);
    }

    @Override
    public void commitFenced(Slice slice) {
        told.commitFenced(slice);
    }

    @Override
    public void held(String run, Hold hold, String detail) {
        told.held(run, hold, detail);
    }

    @Override
    public void released(String run, Hold hold) {
        told.released(run, hold);
    }

    @Override
    public void waitingFor(String run, String owner, long seconds) {
        told.waitingFor(run, owner, seconds);
    }

    @Override
    public void stateChanged(Run run) {
        if (first == null) {
            first = run;
        }
        told.stateChanged(run);
    }
}
