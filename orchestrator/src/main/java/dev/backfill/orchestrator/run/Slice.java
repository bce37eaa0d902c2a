package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.sql.Key;
import java.util.Optional;

/**
 * A contiguous part of a run's range, as the worker that leases it knows it.
 *
 * @param id which one
 * @param lease by what right it is worked
 * @param bounds where it lies
 * @param checkpoint the last key committed; empty when nothing is committed yet
 * @param pass which time the range is gone over, from 1
 */
public record Slice(Id id, Lease lease, Bounds bounds, Optional<Key> checkpoint, int pass) {

    /**
     * The name of a slice.
     *
     * @param run the run's id
     * @param number counts from 1
     */
    public record Id(String run, int number) {}

    /**
     * The right to work a slice.
     *
     * @param owner the process
     * @param fence grows with every claim; a commit under an older one fails
     * @param attempts how often the slice was taken from a worker that was gone in mid-batch, less the batches that
     *     were committed since
     */
    public record Lease(String owner, long fence, int attempts) {}

    /**
     * Where a slice lies.
     *
     * @param from the key behind which it begins, exclusive; empty for the run's own start
     * @param to its last key, inclusive
     */
    public record Bounds(Optional<Key> from, Key to) {}

    /**
     * Where the next batch begins.
     *
     * @return the checkpoint, before the first one the slice's start
     */
    public Optional<Key> position() {
        return checkpoint.or(bounds::from);
    }

    /**
     * The slice after a batch.
     *
     * @param key the last key committed
     * @return the same slice further on
     */
    public Slice at(Key key) {
        return new Slice(id, lease, bounds, Optional.of(key), pass);
    }
}
