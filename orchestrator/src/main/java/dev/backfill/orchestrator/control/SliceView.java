package dev.backfill.orchestrator.control;

import java.util.List;
import java.util.Optional;

/**
 * A slice of a run as people see it.
 *
 * @param number counts from 1
 * @param work who works it
 * @param bounds where it lies
 * @param rows what was done
 */
public record SliceView(int number, Work work, Bounds bounds, Rows rows) {

    /**
     * Who works a slice.
     *
     * @param pass which time the range is gone over, from 1
     * @param state READY, RUNNING or DONE
     * @param owner the process; empty when nobody has it
     */
    public record Work(int pass, String state, Optional<String> owner) {}

    /**
     * Where a slice lies. Keys are texts; a NULL in a key is the text {@code null}.
     *
     * @param from the key behind which it begins; empty for the run's own start
     * @param to its last key
     * @param checkpoint the last key committed; empty when nothing is committed yet
     */
    public record Bounds(Optional<List<String>> from, List<String> to, Optional<List<String>> checkpoint) {}

    /**
     * What was done in a slice.
     *
     * @param scanned keys gone over
     * @param changed rows changed
     * @param batches how many batches were committed
     */
    public record Rows(long scanned, long changed, long batches) {}
}
