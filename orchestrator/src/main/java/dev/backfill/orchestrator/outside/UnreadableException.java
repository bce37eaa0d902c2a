package dev.backfill.orchestrator.outside;

import java.io.Serial;

/** A signal could not be read. The message says why, in a line, without anything of what was answered. */
final class UnreadableException extends Exception {

    @Serial
    private static final long serialVersionUID = 1L;

    private final boolean isForbidden;

    /** For a reason that people are told. */
    UnreadableException(String why) {
        this(why, false);
    }

    /** The same, that may be a right that is missing. */
    UnreadableException(String why, boolean isForbidden) {
        super(why);
        this.isForbidden = isForbidden;
    }

    /** Whether who asks lacks a right. */
    boolean isForbidden() {
        return isForbidden;
    }

    /** Why, in a line. */
    String why() {
        return String.valueOf(getMessage());
    }
}
