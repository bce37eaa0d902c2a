package dev.backfill.orchestrator.db;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What happens next after an error: the one sorting of the server's errors. */
public enum ErrorClass {
    /** A lock was not given in time, or two transactions stood in each other's way: smaller, later, again. */
    LOCK,
    /** A statement took too long: smaller, again; a single key that takes too long stops the run. */
    TIMEOUT,
    /** The session is gone, the database is not: claim the slice anew, read its checkpoint. */
    SESSION_LOST,
    /** The database is away: hold, try for ever, claim anew. */
    DATABASE_DOWN,
    /** The database or the right to use it is gone: hold, try slowly, say so loudly. */
    DENIED(Duration.ofSeconds(5)),
    /** The data cannot be processed: find the row. */
    DATA,
    /** The server lacks a resource: hold, try slowly. */
    RESOURCES(Duration.ofSeconds(2)),
    /** The server's disk is full: hold, try slowly; nothing can be written, not even that. */
    DISK_FULL(Duration.ofSeconds(5)),
    /** Code of the user's own asks for another attempt: later, again; after the last attempt the run pauses. */
    AGAIN,
    /** Code of the user's own asks for fewer keys: smaller, at once; a single key that is too much stops the run. */
    TOO_LARGE,
    /** The statement or its surroundings are wrong: pause the run at once with the message. */
    PAUSE;

    private final @Nullable Duration pause;

    ErrorClass() {
        this(null);
    }

    ErrorClass(@Nullable Duration pause) {
        this.pause = pause;
    }

    /**
     * The wait before each next attempt, where that is always the same.
     *
     * @return empty where it grows with the attempts
     */
    public Optional<Duration> pause() {
        return Optional.ofNullable(pause);
    }
}
