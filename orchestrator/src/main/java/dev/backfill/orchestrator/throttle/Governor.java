package dev.backfill.orchestrator.throttle;

/** Something that sets a pace: a window, a switch, a ceiling, a signal. Safe for use by several threads. */
public interface Governor {

    /**
     * What it is called in messages and metrics.
     *
     * @return such as {@code window}
     */
    String name();

    /**
     * The pace that it allows now. Called before every batch: answers from memory and never waits.
     *
     * @return from 0 to 1
     */
    Pace pace();

    /**
     * How many workers of a run may be at work now, over all processes.
     *
     * @return at least 1; as many as the job wants, unless it is overridden
     */
    default int workers() {
        return Integer.MAX_VALUE;
    }

    /**
     * Whether batches should be brief: others are at work whose transactions are.
     *
     * @return false, unless it is overridden
     */
    default boolean wantsBrief() {
        return false;
    }
}
