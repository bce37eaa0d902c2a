package dev.backfill.orchestrator.cli;

/** What the process says to its caller. */
enum ExitCode {
    DONE(0),
    FAILED(1),
    INVALID(2),
    INTERRUPTED(3),
    UNREACHABLE(4);

    private final int code;

    ExitCode(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
