package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.sql.Key;
import java.time.Duration;
import java.util.List;

/**
 * A batch that was tried and rolled back.
 *
 * @param place where in the range, such as "1/4"
 * @param keys how many keys it had
 * @param changed how many rows it changed
 * @param cost what it cost
 * @param after what was seen before it was rolled back
 */
public record Sample(String place, long keys, long changed, Cost cost, After after) {

    /**
     * What a batch cost.
     *
     * @param took how long the change took
     * @param wal how many bytes of WAL were written meanwhile, by this batch and by everybody else
     */
    public record Cost(Duration took, long wal) {}

    /**
     * What was seen after the change.
     *
     * @param moved keys that are no longer there, of a change that does not delete: something has changed the key
     * @param remaining how many of its rows still meet {@code remaining}
     * @param locks the locks on tables and indexes that the batch had, as "mode on name"
     */
    public record After(List<Key> moved, long remaining, List<String> locks) {
        /** Copies the lists. */
        public After {
            moved = List.copyOf(moved);
            locks = List.copyOf(locks);
        }
    }
}
