package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.sql.Key;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What came of a batch that was tried and rolled back. */
public sealed interface Trial {

    /**
     * Where in the range it was.
     *
     * @return such as "at 1/4 of the range"
     */
    String place();

    /**
     * A batch that went through.
     *
     * @param place where in the range, such as "at 1/4 of the range"
     * @param keys how many keys it had
     * @param changed how many rows it changed
     * @param cost what it cost
     * @param after what was seen before it was rolled back
     */
    record Sample(String place, long keys, long changed, Cost cost, After after) implements Trial {

        /**
         * What a batch cost.
         *
         * @param took how long it took to find the keys and to change the rows, constraints and triggers that are deferred
         *     among that
         * @param wal how many bytes of WAL were written meanwhile, by this batch and by everybody else
         */
        record Cost(Duration took, long wal) {}

        /**
         * What was seen after the change.
         *
         * @param gone keys that the change has moved along the key, or whose rows it has deleted; not looked for in a job that
         *     deletes
         * @param remaining how many of its rows still meet {@code remaining}
         * @param locks the locks on tables and indexes that the batch had, as "mode on name"
         * @param unseen what could not be seen of these, and why
         */
        record After(List<Key> gone, long remaining, List<String> locks, List<String> unseen) {
            /** Copies the lists. */
            public After {
                gone = List.copyOf(gone);
                locks = List.copyOf(locks);
                unseen = List.copyOf(unseen);
            }
        }
    }

    /**
     * A batch that did not go through.
     *
     * @param place where in the range, such as "at 1/4 of the range"
     * @param keys its first and its last key; empty when these could not be found
     * @param error what a run does about it
     * @param message what went wrong, for an operator
     */
    record Failure(String place, Optional<Ends> keys, ErrorClass error, String message) implements Trial {

        /**
         * Whether a run would come to a stop by it.
         *
         * @param quarantine how many keys it may set aside
         * @return false when it would go on by itself
         */
        boolean wouldPause(int quarantine) {
            return error == ErrorClass.PAUSE || (error == ErrorClass.DATA && quarantine == 0);
        }
    }

    /**
     * The ends of a batch.
     *
     * @param first its first key
     * @param last its last key
     */
    record Ends(Key first, Key last) {}
}
