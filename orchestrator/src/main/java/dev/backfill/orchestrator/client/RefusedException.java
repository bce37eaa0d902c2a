package dev.backfill.orchestrator.client;

/** What was asked of a daemon was not done; the message is what the operator reads. */
public final class RefusedException extends Exception {

    private static final long serialVersionUID = 1L;

    /** Whose fault it is. */
    enum Fault {
        /** What was asked for is not there, or was asked wrongly. */
        ASKED_WRONGLY(2),
        /** The daemon said no, or cannot be reached. */
        SERVER(4);

        private final int exitCode;

        Fault(int exitCode) {
            this.exitCode = exitCode;
        }
    }

    private final Fault fault;

    RefusedException(Fault fault, String message) {
        super(message);
        this.fault = fault;
    }

    /** The same with more to read. */
    RefusedException and(String more) {
        return new RefusedException(fault, getMessage() + "; " + more);
    }

    /**
     * What the process says to its caller.
     *
     * @return 2 or 4
     */
    public int exitCode() {
        return fault.exitCode;
    }
}
