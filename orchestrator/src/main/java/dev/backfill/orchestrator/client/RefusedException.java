package dev.backfill.orchestrator.client;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What was asked of a daemon was not done; the message is what the operator reads. */
public final class RefusedException extends Exception {

    private static final long serialVersionUID = 2L;

    /** Whose fault it is. */
    enum Fault {
        /** What was asked for is not there, or was asked wrongly. */
        ASKED_WRONGLY(ExitCode.INVALID),
        /** The daemon said no, or cannot be reached. */
        SERVER(ExitCode.UNREACHABLE);

        private final ExitCode exitCode;

        Fault(ExitCode exitCode) {
            this.exitCode = exitCode;
        }
    }

    private final Fault fault;
    private final transient JsonNode problem;

    RefusedException(Fault fault, String message) {
        this(fault, message, JsonMapper.shared().missingNode());
    }

    RefusedException(Fault fault, String message, JsonNode problem) {
        super(message);
        this.fault = fault;
        this.problem = problem;
    }

    /**
     * Something that no daemon need be asked.
     *
     * @param message what is wrong, and what to do
     * @return with exit code 2
     */
    public static RefusedException askedWrongly(String message) {
        return new RefusedException(Fault.ASKED_WRONGLY, message);
    }

    /**
     * The same with more to read.
     *
     * @param more said behind the message
     * @return with the same exit code
     */
    public RefusedException and(String more) {
        return saying(getMessage() + "; " + more);
    }

    /**
     * The same in other words.
     *
     * @param message what the operator reads
     * @return with the same exit code
     */
    public RefusedException saying(String message) {
        return new RefusedException(fault, message, problem);
    }

    /**
     * What the daemon said.
     *
     * @return as the admin API has it; a missing node when no daemon has said it
     */
    public JsonNode problem() {
        return problem;
    }

    /**
     * What the process says to its caller.
     *
     * @return 2 or 4
     */
    public int exitCode() {
        return fault.exitCode.code();
    }
}
