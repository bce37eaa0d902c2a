package dev.backfill.orchestrator.throttle;

import java.util.OptionalDouble;

/**
 * What a signal reads from one source.
 *
 * @param signal its word, such as {@code replication-lag}
 * @param source what it is of: a standby, a slot, a table; empty for the whole database
 * @param value how much, in the signal's unit
 * @param limit above which everything holds, or what never holds slows down; empty for what knows no number
 * @param verdict what it means now
 */
public record SignalReading(String signal, String source, double value, OptionalDouble limit, Verdict verdict) {

    /** What a reading means. */
    public enum Verdict {
        /** Full pace. */
        GO,
        /** A lower pace. */
        SLOW,
        /** No pace. */
        HOLD
    }
}
