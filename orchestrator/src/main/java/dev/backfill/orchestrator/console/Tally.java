package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/** What was done here, counted. Safe for use by several threads. */
final class Tally implements RunListener {

    private final Timing timing;
    private final AtomicLong batches = new AtomicLong();
    private final AtomicLong retries = new AtomicLong();
    private final AtomicLong fenced = new AtomicLong();
    private final AtomicLong setAside = new AtomicLong();
    private final AtomicLong scanned = new AtomicLong();
    private volatile long latestBatch;
    private final Map<String, Long> holding = new TreeMap<>();
    private final Map<String, Duration> held = new TreeMap<>();

    Tally(Timing timing) {
        this.timing = timing;
    }

    long batches() {
        return batches.get();
    }

    long retries() {
        return retries.get();
    }

    /** One more key was set aside; how many are now. */
    long countAside() {
        return setAside.incrementAndGet();
    }

    long fenced() {
        return fenced.get();
    }

    /** Keys gone over. */
    long scanned() {
        return scanned.get();
    }

    /** Keys of the latest batch; 0 before the first. */
    long latestBatch() {
        return latestBatch;
    }

    /** For how long the run was held, by the holds' words. */
    synchronized Map<String, Duration> held() {
        Map<String, Duration> all = new TreeMap<>(held);
        holding.forEach((word, since) -> all.merge(word, timing.since(since), Duration::plus));
        return all;
    }

    @Override
    public void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {
        batches.incrementAndGet();
        scanned.addAndGet(batch.scanned());
        latestBatch = batch.scanned();
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        retries.incrementAndGet();
    }

    @Override
    public void commitFenced(Slice slice) {
        fenced.incrementAndGet();
    }

    @Override
    public synchronized void held(String run, Hold hold, String detail) {
        holding.putIfAbsent(hold.word(), timing.nanos());
    }

    @Override
    public synchronized void released(String run, Hold hold) {
        Long since = holding.remove(hold.word());
        if (since != null) {
            held.merge(hold.word(), timing.since(since), Duration::plus);
        }
    }
}
