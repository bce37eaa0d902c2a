package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.run.RunState;

/** What the process says to its caller. */
enum ExitCode {
    DONE(0, "done"),
    FAILED(1, "failed"),
    INVALID(2, "not done: see above"),
    INTERRUPTED(3, "interrupted; call again to go on"),
    UNREACHABLE(4, "not done: cannot be reached; call again when it can");

    private final int code;
    private final String words;

    ExitCode(int code, String words) {
        this.code = code;
        this.words = words;
    }

    /** What it means for one of several databases. */
    String words() {
        return words;
    }

    /** What the state says that a run was left in. */
    static ExitCode of(RunState state) {
        return switch (state) {
            case SUCCEEDED -> DONE;
            case FAILED, CANCELLED -> FAILED;
            case PAUSED, PENDING, RUNNING, VERIFYING -> INTERRUPTED;
        };
    }

    int code() {
        return code;
    }
}
