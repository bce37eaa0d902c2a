package dev.backfill.orchestrator.gauges;

import java.time.Duration;
import java.util.OptionalDouble;

/** A signal: something of which higher is worse. Immutable. */
public interface Vital {

    /**
     * What it is called in configuration, messages and metrics.
     *
     * @return such as {@code lock-storm}
     */
    String word();

    /**
     * How often it is read.
     *
     * @return longer than nothing
     */
    Duration every();

    /**
     * How old a reading may be.
     *
     * @return longer than {@link #every()}
     */
    Duration staleAfter();

    /**
     * A value in words.
     *
     * @param value in the signal's unit
     * @return such as {@code 12 files of WAL wait for the archiver}
     */
    String said(double value);

    /**
     * From which value on a run is left one worker.
     *
     * @return in the signal's unit; empty for none
     */
    default OptionalDouble crowdedFrom() {
        return OptionalDouble.empty();
    }

    /**
     * Whether batches are brief while it is above its first limit, instead of the run going slower.
     *
     * @return false unless it is overridden
     */
    default boolean makesBrief() {
        return false;
    }

    /**
     * What happens next and what an operator can do.
     *
     * @return half a sentence
     */
    String next();
}
