package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.run.RunState;
import java.util.Locale;
import java.util.Optional;

/** What a person may want of a job's run, and what that means in each state: the one table of verbs. Pure. */
public enum Verb {
    /** Begin a run. */
    START,
    /** Stand still until resumed. */
    PAUSE,
    /** Go on where it was paused. */
    RESUME,
    /** End it for good. */
    CANCEL,
    /** Work what a failed run left. */
    RETRY,
    /** Check an ended run again. */
    VERIFY;

    /** What a verb means for a run. */
    public enum Meaning {
        /** Its aim is reached already; nothing changes. */
        REACHED,
        /** A new run is added. */
        NEW_RUN,
        /** The run becomes PAUSED. */
        PAUSE,
        /** The run goes back to where it was paused. */
        RESUME,
        /** The run becomes CANCELLED. */
        CANCEL,
        /** The failed run becomes RUNNING. */
        RETRY,
        /** The ended run is checked again; its state stays. */
        CHECK,
        /** The state does not allow it. */
        ILLEGAL
    }

    /**
     * The word in URLs and commands.
     *
     * @return such as {@code pause}
     */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a word.
     *
     * @param word such as {@code pause}
     * @return the verb; empty when there is none of that word
     */
    public static Optional<Verb> of(String word) {
        for (Verb verb : values()) {
            if (verb.word().equals(word)) {
                return Optional.of(verb);
            }
        }
        return Optional.empty();
    }

    /**
     * What this verb means for the latest run of a job.
     *
     * @param state the run's state; empty when the job has no run yet
     * @return what to do
     */
    public Meaning in(Optional<RunState> state) {
        if (state.isEmpty()) {
            return this == START ? Meaning.NEW_RUN : Meaning.ILLEGAL;
        }
        return switch (this) {
            case START -> start(state.get());
            case PAUSE -> pause(state.get());
            case RESUME -> resume(state.get());
            case CANCEL -> cancel(state.get());
            case RETRY -> state.get() == RunState.FAILED ? Meaning.RETRY : Meaning.ILLEGAL;
            case VERIFY -> state.get().isUnfinished() ? Meaning.ILLEGAL : Meaning.CHECK;
        };
    }

    private static Meaning start(RunState state) {
        return switch (state) {
            case PENDING, RUNNING -> Meaning.REACHED;
            case PAUSED, VERIFYING -> Meaning.ILLEGAL;
            case SUCCEEDED, FAILED, CANCELLED -> Meaning.NEW_RUN;
        };
    }

    private static Meaning pause(RunState state) {
        return switch (state) {
            case PENDING, RUNNING, VERIFYING -> Meaning.PAUSE;
            case PAUSED -> Meaning.REACHED;
            case SUCCEEDED, FAILED, CANCELLED -> Meaning.ILLEGAL;
        };
    }

    private static Meaning resume(RunState state) {
        return switch (state) {
            case PAUSED -> Meaning.RESUME;
            case RUNNING, VERIFYING -> Meaning.REACHED;
            case PENDING, SUCCEEDED, FAILED, CANCELLED -> Meaning.ILLEGAL;
        };
    }

    private static Meaning cancel(RunState state) {
        return switch (state) {
            case PENDING, RUNNING, PAUSED, VERIFYING -> Meaning.CANCEL;
            case CANCELLED -> Meaning.REACHED;
            case SUCCEEDED, FAILED -> Meaning.ILLEGAL;
        };
    }
}
