package dev.backfill.orchestrator.outside;

import java.io.Serial;

/** A signal could not be read. The message says why, in a line, without anything of what was answered. */
final class UnreadableException extends Exception {

    @Serial
    private static final long serialVersionUID = 1L;

    /** For a reason that people are told. */
    UnreadableException(String why) {
        super(why);
    }

    /** Why, in a line. */
    String why() {
        return String.valueOf(getMessage());
    }
}
