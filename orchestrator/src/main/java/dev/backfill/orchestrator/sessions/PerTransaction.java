package dev.backfill.orchestrator.sessions;

/** A connection that is given another session of the server for each transaction, and sets each one anew. */
interface PerTransaction {

    /** Sets each transaction from now on to this too. */
    void add(Parameters parameters);
}
