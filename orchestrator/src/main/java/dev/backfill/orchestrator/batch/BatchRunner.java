package dev.backfill.orchestrator.batch;

import dev.backfill.api.ErrorLimits;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Checkpoints;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sessions.LastingSettings;
import dev.backfill.orchestrator.sessions.Parameters;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.After;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes one batch after another: the change of the rows and the checkpoint in one transaction.
 *
 * <p>Used by one worker; only {@link #cancel} and {@link #watch} may be called from another thread.
 */
public final class BatchRunner implements AutoCloseable {

    /**
     * What all batches of a run share.
     *
     * @param statement the change
     * @param beginning where the first slice of the run begins
     * @param started when the run started, as text
     */
    public record Frame(JobStatement statement, Lower beginning, String started) {

        /**
         * What is left of a slice.
         *
         * @param slice the slice
         * @return from behind its checkpoint to its end
         */
        public KeyRange rest(Slice slice) {
            Lower lower = slice.position().<Lower>map(After::new).orElse(beginning);
            return new KeyRange(lower, slice.bounds().to());
        }
    }

    /** How long a batch may wait and take. */
    public enum Mode {
        /** The whole change ends before any deadlock check of a session that waits for it can begin. */
        BRISK,
        /** The change may take the job's statement time-out, but hardly waits for a lock. */
        PATIENT
    }

    /**
     * The time-outs of the two modes.
     *
     * @param lock how long a brisk batch waits for one lock
     * @param brisk how long the change of a brisk batch may take
     * @param patient how long the change of a patient batch may take
     */
    public record Timeouts(Duration lock, Duration brisk, Duration patient) {

        private static final Duration BELOW_DEADLOCK_TIMEOUT = Duration.ofMillis(100);

        /**
         * The time-outs of a job on a server.
         *
         * @param errors the job's own
         * @param deadlock the server's {@code deadlock_timeout}
         * @return a brisk change that ends before it
         */
        public static Timeouts of(ErrorLimits errors, Duration deadlock) {
            Duration brisk = deadlock.minus(BELOW_DEADLOCK_TIMEOUT);
            if (brisk.compareTo(errors.lockTimeout()) < 0) {
                brisk = errors.lockTimeout();
            }
            return new Timeouts(
                    errors.lockTimeout(),
                    brisk.compareTo(errors.statementTimeout()) < 0 ? brisk : errors.statementTimeout(),
                    errors.statementTimeout());
        }
    }

    /**
     * What came of a batch.
     *
     * @param batch what it did
     * @param runState the run's state; empty when the slice was no longer what the batch took it for, and everything
     *     was rolled back
     * @param changing how long the change of its rows took
     */
    public record Result(Checkpoints.Batch batch, Optional<RunState> runState, Duration changing) {}

    private static final String COMMIT = "synchronous_commit";
    private static final Duration PATIENT_LOCK = Duration.ofMillis(10);

    private final Frame frame;
    private final Change change;
    private final Checkpoints checkpoints;
    private final Timeouts timeouts;
    private final KeySearch search;
    private final SameTable table;
    private final Timing timing;
    private final LastingSettings settings = new LastingSettings();
    private @Nullable Key tried;

    /**
     * For one worker.
     *
     * @param frame what all batches share
     * @param change what each does to its rows; closed with this
     * @param checkpoints the last statement of each
     * @param timeouts of the two modes
     * @param timing how time passes
     */
    public BatchRunner(Frame frame, Change change, Checkpoints checkpoints, Timeouts timeouts, Timing timing) {
        this.frame = frame;
        this.change = change;
        this.checkpoints = checkpoints;
        this.timeouts = timeouts;
        this.timing = timing;
        this.search =
                new KeySearch(frame.statement().tableName(), frame.statement().key());
        this.table = new SameTable(checkpoints.tables(), frame.statement());
    }

    /**
     * Sets the session, or each transaction behind a pooler, to a mode.
     *
     * @param connection the worker's, in autocommit mode
     * @param mode the mode
     * @param isSuspicious whether a batch may crash the server: what is committed before must survive that, or another
     *     key than the one that does it is found
     * @throws SQLException when a statement fails
     */
    public void enter(Connection connection, Mode mode, boolean isSuspicious) throws SQLException {
        Duration lock = mode == Mode.BRISK ? timeouts.lock() : PATIENT_LOCK;
        Parameters wanted = Parameters.none()
                .with("lock_timeout", Parameters.milliseconds(lock))
                .with("statement_timeout", Parameters.milliseconds(timeout(mode)));
        if (isSuspicious && Parameters.read(connection, COMMIT).equals("off")) {
            wanted = wanted.with(COMMIT, "local");
        }
        wanted.set(connection);
        settings.remember(connection);
    }

    /**
     * How long the change may take in a mode.
     *
     * @param mode the mode
     * @return the statement's time-out
     */
    public Duration timeout(Mode mode) {
        return mode == Mode.BRISK ? timeouts.brisk() : timeouts.patient();
    }

    /**
     * Makes the next batch of a slice. What it has set for its session is set back.
     *
     * @param connection the worker's, in autocommit mode before and, unless it is lost, after
     * @param slice the slice as it was read or as the batch before left it
     * @param size how many keys the batch should take
     * @return what came of it
     * @throws SQLException when a statement or the commit fails; the transaction is rolled back, or lost with its
     *     outcome unknown when the connection is lost
     */
    public Result run(Connection connection, Slice slice, int size) throws SQLException {
        KeyRange rest = frame.rest(slice);
        KeySearch.End end = search.find(connection, rest, size);
        KeyRange range = new KeyRange(rest.lower(), end.key());
        tried = end.key();
        connection.setAutoCommit(false);
        try {
            JobStatement.Batch rows = new JobStatement.Batch(range, frame.started(), slice.pass() > 1);
            long begun = timing.nanos();
            long changed = change.make(connection, new Change.Request(slice.id().run(), rows, end.keys()));
            Duration changing = timing.since(begun);
            table.requireByName(connection, slice.id().run());
            Checkpoints.Batch batch = new Checkpoints.Batch(end.key(), end.keys(), changed);
            Optional<RunState> state = checkpoints.move(connection, slice, batch);
            if (state.isPresent()) {
                connection.commit();
            } else {
                connection.rollback();
            }
            connection.setAutoCommit(true);
            settings.restore(connection);
            return new Result(batch, state, changing);
        } catch (SQLException e) {
            undo(connection, e);
            throw e;
        }
    }

    /**
     * Passes over the next key of a slice, and sets it aside: the one on which a batch of its own has just failed, or,
     * when nothing was tried since {@link #forget}, whichever comes next.
     *
     * @param connection the worker's, in autocommit mode before and, unless it is lost, after
     * @param slice the slice as it was read or as the batch before left it
     * @param failure why the key cannot be processed
     * @param budget how many keys the run may set aside
     * @return what came of it; empty when the budget is used up, and nothing was changed
     * @throws SQLException as {@link #run} does
     */
    public Optional<Result> passOver(Connection connection, Slice slice, Quarantine.Failure failure, int budget)
            throws SQLException {
        KeySearch.End end = search.find(connection, frame.rest(slice), 1);
        Checkpoints.Batch nothing = new Checkpoints.Batch(end.key(), 0, 0);
        if (tried != null && !end.key().equals(tried)) {
            return Optional.of(
                    new Result(nothing, Optional.empty(), Duration.ZERO)); // another key came before it, or it is gone
        }
        connection.setAutoCommit(false);
        try {
            boolean added = Quarantine.add(checkpoints.tables(), connection, slice, end.key(), failure, budget);
            Optional<RunState> state = added ? checkpoints.move(connection, slice, nothing) : Optional.empty();
            if (state.isPresent()) {
                connection.commit();
            } else {
                connection.rollback();
            }
            connection.setAutoCommit(true);
            return added ? Optional.of(new Result(nothing, state, Duration.ZERO)) : Optional.empty();
        } catch (SQLException e) {
            undo(connection, e);
            throw e;
        }
    }

    /** Forgets what was tried: the slice is another, or was claimed anew. */
    public void forget() {
        tried = null;
    }

    /**
     * The first key of what is left of a slice, for a message.
     *
     * @param connection the worker's
     * @param slice the slice
     * @return the key
     * @throws SQLException when the query fails
     */
    public Key firstKey(Connection connection, Slice slice) throws SQLException {
        return search.find(connection, frame.rest(slice), 1).key();
    }

    /**
     * Cancels the change that is under way, if there is one. May be called from any thread.
     *
     * @throws SQLException when the server cannot be reached for it
     */
    public void cancel() throws SQLException {
        change.cancel();
    }

    /**
     * Cancels a change that takes too long, where the server would not see that. May be called from any thread.
     *
     * @throws SQLException when the server cannot be reached for it
     */
    public void watch() throws SQLException {
        change.watch();
    }

    @Override
    public void close() {
        change.close();
    }

    private static void undo(Connection connection, SQLException cause) {
        try {
            if (!connection.isClosed()) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }
}
