package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.List;

/**
 * Hears what happens to runs in this process. Called from workers' threads, after the fact; must not block and must not
 * throw.
 */
public interface RunListener {

    /**
     * Why a running run does not move.
     *
     * @param word the word in messages, tables and metrics, such as {@code open-transactions}
     * @param next what happens next and what an operator can do, as half a sentence
     */
    record Hold(String word, String next) {
        /** The server does not answer, or refuses the login. */
        public static final Hold DATABASE_DOWN =
                new Hold("database-down", "the run goes on by itself once the server answers");
        /** A run waits for jobs that its own depends on. */
        public static final Hold DEPENDS_ON =
                new Hold("depends-on", "the run begins once their latest runs have succeeded; start or retry them");
        /** The server's disk is full. */
        public static final Hold DISK_FULL = new Hold("disk-full", "make room; the run goes on by itself");
        /** Others hold rows of a batch. */
        public static final Hold LOCKED_ROWS =
                new Hold("locked-rows", "see pg_locks for who holds them; tried again until they are free");
        /** Somebody could still commit a row behind a checkpoint. */
        public static final Hold OPEN_TRANSACTIONS =
                new Hold("open-transactions", "the check begins once they have ended; end them, or wait");
        /** Another run works on the table of one that has not begun. */
        public static final Hold TABLE_BUSY = new Hold(
                "table-busy",
                "the run begins once the other has ended; cancel that one, or say share-table: true to work beside it");
        /** The server has no connection or memory to give. */
        public static final Hold NO_CONNECTION =
                new Hold("no-connection", "the run goes on by itself once the server has one to give");
    }

    /** What became of a batch that was not committed. */
    enum Outcome {
        /** It is tried again. */
        RETRIED,
        /** A part of it is tried. */
        SPLIT,
        /** It stops the run. */
        FAILED
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
     * A batch was rolled back.
     *
     * @param slice its slice
     * @param outcome what comes of it
     * @param why one line
     */
    default void batchRolledBack(Slice slice, Outcome outcome, String why) {}

    /**
     * A key was set aside, because its data cannot be processed; its slice goes on behind it.
     *
     * @param slice its slice
     * @param key the key
     * @param why one line
     */
    default void setAside(Slice slice, Key key, String why) {}

    /**
     * A worker of this process has begun to work a slice, or has left it.
     *
     * @param slice the slice
     * @param working whether it has begun
     */
    default void worker(Slice slice, boolean working) {}

    /**
     * A commit was refused because the slice has gone to another worker.
     *
     * @param slice the slice as this worker took it for
     */
    default void commitFenced(Slice slice) {}

    /**
     * A batch was ended because somebody waited for it.
     *
     * @param slice its slice
     * @param victim who waited, for a message
     * @param freedAfter how long it took from when that was noticed
     */
    default void gaveWay(Slice slice, String victim, Duration freedAfter) {}

    /**
     * A batch that was measured has written to the server's log, also one that was rolled back.
     *
     * @param slice its slice
     * @param wal how much
     */
    default void wrote(Slice slice, Written wal) {}

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
     * All slices left are worked, or the range is checked, by another process.
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

    /**
     * Several listeners as one.
     *
     * @param all told in this order
     */
    record Several(List<RunListener> all) implements RunListener {

        /** Copies the list. */
        public Several {
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
        public void setAside(Slice slice, Key key, String why) {
            all.forEach(listener -> listener.setAside(slice, key, why));
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
        public void gaveWay(Slice slice, String victim, Duration freedAfter) {
            all.forEach(listener -> listener.gaveWay(slice, victim, freedAfter));
        }

        @Override
        public void wrote(Slice slice, Written wal) {
            all.forEach(listener -> listener.wrote(slice, wal));
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
}
