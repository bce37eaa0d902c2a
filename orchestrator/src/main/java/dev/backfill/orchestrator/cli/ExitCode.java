package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.run.RunState;

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
