package dev.backfill.orchestrator.metrics;

import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sql.Key;
import java.time.Duration;

/**
 * Counts what happens to the runs of a job.
 *
 * @param ledger where it is counted
 * @param key which job
 */
record CountingListener(JobLedger ledger, JobLedger.Key key) implements RunListener {

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        ledger.of(key).committed(batch.scanned(), batch.changed(), duration);
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        ledger.of(key).rolledBack(outcome);
    }

    @Override
    public void setAside(Slice slice, Key aside, String why) {
        ledger.of(key).setAside();
    }

    @Override
    public void worker(Slice slice, boolean working) {
        ledger.worker(key, working);
    }

    @Override
    public void gaveWay(Slice slice, String victim, Duration freedAfter) {
        ledger.of(key).gaveWay();
    }

    @Override
    public void commitFenced(Slice slice) {
        ledger.of(key).fenced();
    }
}
