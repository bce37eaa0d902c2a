package dev.backfill.orchestrator.cli;

/** A command that cannot be carried out; its message is what the operator reads. */
final class Refusal extends Exception {

    private static final long serialVersionUID = 1L;

    private final ExitCode exitCode;

    Refusal(ExitCode exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    ExitCode exitCode() {
        return exitCode;
    }

    String text() {
        return String.valueOf(getMessage());
    }
}
