package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;

/** A command that cannot be carried out; its message is what the operator reads. */
final class Refusal extends Exception {

    private static final long serialVersionUID = 1L;

    /** The driver's own: the server wanted a password or a way to log in that was not given. */
    private static final String LOGIN_REFUSED = "08004";

    private final ExitCode exitCode;

    Refusal(ExitCode exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** What it means for a command that the database did not do what was asked before a run has begun. */
    static Refusal of(String database, Exception e) {
        String state = SqlStates.state(e).orElse("08000");
        ErrorClass error = state.equals(LOGIN_REFUSED) ? ErrorClass.DENIED : SqlStates.classify(state);
        String message = "cannot use the database " + database + ": " + SqlStates.message(e);
        return switch (error) {
            case DENIED, PAUSE, DATA, AGAIN, TOO_LARGE -> new Refusal(ExitCode.INVALID, message + hint(e));
            case DATABASE_DOWN, SESSION_LOST, LOCK, TIMEOUT, RESOURCES, DISK_FULL ->
                new Refusal(ExitCode.UNREACHABLE, message + hint(e) + "; call again when it can be reached");
        };
    }

    ExitCode exitCode() {
        return exitCode;
    }

    String text() {
        return String.valueOf(getMessage());
    }

    private static String hint(Exception e) {
        String state = SqlStates.state(e).orElse("");
        if (state.startsWith("28") || state.equals(LOGIN_REFUSED)) {
            return "; check the user and PGPASSWORD or the file that PGPASSFILE names";
        }
        if (state.equals("55P03")) {
            return "; somebody holds a lock on the job's table";
        }
        return state.equals("3D000") ? "; check the database's name in the URL" : "";
    }
}
