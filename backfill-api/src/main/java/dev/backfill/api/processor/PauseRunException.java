package dev.backfill.api.processor;

/** Pauses the run at once, with a message for an operator: nothing that is tried again would help before somebody acts. */
public final class PauseRunException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Pauses the run.
     *
     * @param message why, and what to do
     */
    public PauseRunException(String message) {
        super(message);
    }
}
