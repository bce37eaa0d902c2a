package dev.backfill.orchestrator.client;

/** The operator wants the command to end; nobody waits for the answer any more. */
public final class StoppedException extends Exception {

    private static final long serialVersionUID = 1L;

    StoppedException() {}
}
