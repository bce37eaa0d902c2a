package dev.backfill.orchestrator.run;

import java.util.EnumSet;
import java.util.Set;

/** The states of a run and the legal ways between them. */
public enum RunState {
    /** Registered to start, not begun. */
    PENDING,
    /** Its slices are being worked. */
    RUNNING,
    /** Stopped by a person or an error, waiting for resume. */
    PAUSED,
    /** Every slice is done; the range is being checked. */
    VERIFYING,
    /** Done and checked. */
    SUCCEEDED,
    /** Ended with something left. */
    FAILED,
    /** Ended by a person. */
    CANCELLED;

    /**
     * Whether the run can still move.
     *
     * @return true for {@code PENDING}, {@code RUNNING}, {@code PAUSED} and {@code VERIFYING}
     */
    public boolean isUnfinished() {
        return switch (this) {
            case PENDING, RUNNING, PAUSED, VERIFYING -> true;
            case SUCCEEDED, FAILED, CANCELLED -> false;
        };
    }

    /**
     * Whether there is something to do for the program.
     *
     * @return true for {@code PENDING}, {@code RUNNING} and {@code VERIFYING}
     */
    public boolean isMoving() {
        return isUnfinished() && this != PAUSED;
    }

    /**
     * The one table of transitions.
     *
     * @param next the state aimed at
     * @return whether a run may go there from here
     */
    public boolean canBecome(RunState next) {
        return ways().contains(next);
    }

    private Set<RunState> ways() {
        return switch (this) {
            case PENDING -> EnumSet.of(RUNNING, PAUSED, FAILED, CANCELLED);
            case RUNNING -> EnumSet.of(PAUSED, VERIFYING, FAILED, CANCELLED);
            case PAUSED -> EnumSet.of(PENDING, RUNNING, VERIFYING, FAILED, CANCELLED);
            case VERIFYING -> EnumSet.of(PAUSED, RUNNING, SUCCEEDED, FAILED, CANCELLED);
            case FAILED -> EnumSet.of(RUNNING);
            case SUCCEEDED, CANCELLED -> EnumSet.noneOf(RunState.class);
        };
    }
}
