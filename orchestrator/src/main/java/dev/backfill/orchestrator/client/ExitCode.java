package dev.backfill.orchestrator.client;

/** What a command that asks a daemon says to its caller. */
enum ExitCode {
    /** Everything was checked, and nothing is left. */
    DONE(0),
    /** Something is left, or not known to be done. */
    LEFT(1),
    /** The operator did not wait for the end. */
    INTERRUPTED(3),
    /** A database does not answer the daemon. */
    UNREACHABLE(4);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
