package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.SliceLeases;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prolongs the leases of the slices that this process works, every third of a lease, on a connection of its own. A slice
 * whose batch has shown no sign of life for longer than a batch can live is left to lapse.
 */
final class Keeper {

    private static final Logger LOG = LoggerFactory.getLogger(Keeper.class);

    private record Watched(Slice slice, long since) {}

    private final SliceStore slices;
    private final SliceLeases leases;
    private final Timing timing;
    private final Duration longestBatch;
    private final Map<Slice.Id, Watched> watched = new ConcurrentHashMap<>();

    Keeper(SliceStore slices, SliceLeases leases, Timing timing, Duration longestBatch) {
        this.slices = slices;
        this.leases = leases;
        this.timing = timing;
        this.longestBatch = longestBatch;
    }

    /** A worker shows that it is alive and on this slice. */
    void sign(Slice slice) {
        watched.put(slice.id(), new Watched(slice, timing.nanos()));
    }

    /** A worker has left this slice; another of this process that has claimed it since, under a newer fence, stays. */
    void leave(Slice slice) {
        watched.computeIfPresent(
                slice.id(), (id, w) -> w.slice().lease().fence() > slice.lease().fence() ? w : null);
    }

    /** Whether no worker of this process is on a slice. */
    boolean isIdle() {
        return watched.isEmpty();
    }

    /** The numbers of the slices that workers of this process are on. */
    Set<Integer> numbers() {
        return watched.keySet().stream().map(Slice.Id::number).collect(Collectors.toUnmodifiableSet());
    }

    /** Prolongs until stopped. */
    void keep(Stop stop) {
        while (!stop.sleep(leases.lease().dividedBy(3))) {
            renew();
        }
    }

    private void renew() {
        List<Slice> alive = watched.values().stream()
                .filter(w -> timing.since(w.since()).compareTo(longestBatch) < 0)
                .map(Watched::slice)
                .toList();
        try {
            slices.renew(leases, alive);
        } catch (RuntimeException e) {
            LOG.atDebug().setCause(e).log("leases not prolonged this time; the batches prolong them too");
        }
    }
}
