package dev.backfill.orchestrator.client;

/** What a command that asks a daemon says to its caller; the worse, the later. */
public enum ExitCode {
    /** It is done; nothing is left. */
    DONE(0),
    /** Something is left, or not known to be done. */
    LEFT(1),
    /** What was asked for is not there, or was asked wrongly. */
    INVALID(2),
    /** The operator did not wait for the end. */
    INTERRUPTED(3),
    /** The daemon said no, or a database does not answer it. */
    UNREACHABLE(4);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    /**
     * The number.
     *
     * @return of the process
     */
    public int code() {
        return code;
    }
}
