package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Tries what the database refuses for now until it is done: while the database is away, locked or out of a resource, the
 * run holds and says why. What will not go away by waiting is thrown on.
 */
final class Patience {

    /** Something that needs the database. */
    interface Call<T> {
        T call() throws SQLException;
    }

    /**
     * How long to wait before trying again: full jitter, so that those who collided do not collide again.
     *
     * @param first the longest wait before the second attempt
     * @param longest the longest wait at all
     * @param random where the jitter comes from
     * @see <a href="https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/">Exponential backoff and
     *     jitter</a>
     */
    record Backoff(Duration first, Duration longest, RandomGenerator random) {

        private static final int MOST_DOUBLINGS = 20;

        /** The wait after so many failures, at least one. */
        Duration after(int failures) {
            long ceiling = first.toMillis() << Math.min(failures - 1, MOST_DOUBLINGS);
            return Duration.ofMillis(random.nextLong(1, Math.max(2, Math.min(ceiling, longest.toMillis()) + 1)));
        }
    }

    /** What cannot be mended by waiting. */
    static final class Hopeless extends Exception {
        private static final long serialVersionUID = 1L;

        Hopeless(Throwable cause) {
            super(SqlStates.message(cause), cause);
        }

        /** All that is known of it. */
        Quarantine.Failure failure() {
            Throwable cause = Objects.requireNonNull(getCause());
            ErrorClass next = SqlStates.state(cause).map(SqlStates::classify).orElse(ErrorClass.PAUSE);
            return Quarantine.Failure.of(cause, next, 1);
        }
    }

    /** Work was asked to stop while it waited. */
    static final class Stopped extends Exception {
        private static final long serialVersionUID = 1L;

        Stopped() {
            super("asked to stop");
        }
    }

    private static final int MOST_TIMEOUTS = 5;
    private static final int MOST_DOUBLINGS = 6;

    private final String run;
    private final RunListener listener;
    private final Rest rest;
    private final Backoff backoff;

    /**
     * For one run.
     *
     * @param run the run's id
     * @param listener hears of holds
     * @param rest how it is waited
     * @param backoff for how long
     */
    Patience(String run, RunListener listener, Rest rest, Backoff backoff) {
        this.run = run;
        this.listener = listener;
        this.rest = rest;
        this.backoff = backoff;
    }

    /** How it is waited: who has what others need, gives it back meanwhile. */
    interface Rest {
        /** Waits; whether work was asked to stop meanwhile. */
        boolean sleep(Duration duration);
    }

    /** Waits as every wait here is waited; whether work was asked to stop meanwhile. */
    boolean sleep(Duration duration) {
        return rest.sleep(duration);
    }

    <T> T call(Call<T> call) throws Hopeless, Stopped {
        Optional<Hold> held = Optional.empty();
        int timeouts = 0;
        for (int failures = 0; ; ) {
            try {
                T value = call.call();
                held.ifPresent(hold -> listener.released(run, hold));
                return value;
            } catch (SQLException | RuntimeException e) {
                SqlStates.requireFromDatabase(e);
                ErrorClass error = errorClass(e);
                Optional<Hold> hold = hold(error);
                timeouts += error == ErrorClass.TIMEOUT ? 1 : 0;
                boolean slow = timeouts > MOST_TIMEOUTS;
                if (hold.isEmpty() || slow) {
                    throw new Hopeless(e);
                }
                listener.held(run, hold.get(), SqlStates.message(e));
                held = hold;
                if (rest.sleep(pause(error, ++failures))) {
                    throw new Stopped();
                }
            }
        }
    }

    /** The hold that an error asks for; empty when waiting does not mend it. */
    static Optional<Hold> hold(ErrorClass error) {
        return switch (error) {
            case DATABASE_DOWN, DENIED, SESSION_LOST -> Optional.of(Hold.DATABASE_DOWN);
            case LOCK, TIMEOUT -> Optional.of(Hold.LOCKED_ROWS);
            case RESOURCES -> Optional.of(Hold.NO_CONNECTION);
            case DISK_FULL -> Optional.of(Hold.DISK_FULL);
            case DATA, AGAIN, TOO_LARGE, PAUSE -> Optional.empty();
        };
    }

    Duration pause(ErrorClass error, int failures) {
        return error == ErrorClass.AGAIN
                ? Duration.ofSeconds(1L << Math.min(failures - 1, MOST_DOUBLINGS))
                : error.pause().orElseGet(() -> backoff.after(failures));
    }

    private static ErrorClass errorClass(Exception e) {
        return SqlStates.state(e).map(SqlStates::classify).orElse(ErrorClass.DATABASE_DOWN);
    }
}
