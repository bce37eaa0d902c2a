package dev.backfill.orchestrator.registration;

/** Something else is registered by now than whoever registers had seen. The message says what. */
public final class OvertakenException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * About one job.
     *
     * @param revision that is registered; 0 for none
     */
    OvertakenException(int revision) {
        super(revision == 0 ? "it is not registered any more" : "revision " + revision + " is registered by now");
    }
}
