package dev.backfill.orchestrator.run;

import java.time.Duration;

/**
 * Hears what happens to runs in this process. Called from workers' threads, after the fact; must not block and must not
 * throw.
 */
public interface RunListener {

    /** Why a running run does not move; the words are the contract's. */
    enum Hold {
        DATABASE_DOWN("database-down", "the run goes on by itself once the server answers"),
        DISK_FULL("disk-full", "make room; the run goes on by itself"),
        LOCKED_ROWS("locked-rows", "see pg_locks for who holds them; tried again until they are free"),
        OPEN_TRANSACTIONS("open-transactions", "the check begins once they have ended; end them, or wait"),
        NO_CONNECTION("no-connection", "the run goes on by itself once the server has one to give");

        private final String word;
        private final String next;

        Hold(String word, String next) {
            this.word = word;
            this.next = next;
        }

        /**
         * What happens next and what an operator can do.
         *
         * @return half a sentence
         */
        public String next() {
            return next;
        }

        /**
         * The word in messages, tables and metrics.
         *
         * @return such as {@code open-transactions}
         */
        public String word() {
            return word;
        }
    }

    /**
     * A batch was committed.
     *
     * @param slice the slice as it was when the batch began
     * @param batch what it did
     * @param duration from the key search to the commit
     */
    default void batchCommitted(Slice slice, Checkpoints.Batch batch, Duration duration) {}

    /**
     * A batch was rolled back and will be tried again.
     *
     * @param slice its slice
     * @param why one line
     */
    default void batchRetried(Slice slice, String why) {}

    /**
     * A commit was refused because the slice has gone to another worker.
     *
     * @param slice the slice as this worker took it for
     */
    default void commitFenced(Slice slice) {}

    /**
     * A run cannot move.
     *
     * @param run the run's id
     * @param hold why
     * @param detail one line: what is wrong and what to do
     */
    default void held(String run, Hold hold, String detail) {}

    /**
     * A run moves again.
     *
     * @param run the run's id
     * @param hold what is over
     */
    default void released(String run, Hold hold) {}

    /**
     * All slices left are worked by another process.
     *
     * @param run the run's id
     * @param owner that process
     * @param seconds until its lease ends unless it prolongs it
     */
    default void waitingFor(String run, String owner, long seconds) {}

    /**
     * A run is in another state.
     *
     * @param run the run as it is now
     */
    default void stateChanged(Run run) {}
}
