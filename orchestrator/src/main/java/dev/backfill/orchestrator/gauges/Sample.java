package dev.backfill.orchestrator.gauges;

import java.util.Optional;

/**
 * What was read of one source of a signal.
 *
 * @param source what it is of; empty for the whole database
 * @param value how much, in the signal's unit
 * @param detail who or what it is, for a message; may be empty
 * @param alarm why everything holds whatever the value; empty for no such reason
 * @param isOfTable whether the source is a table, and counts for the runs on it only
 */
public record Sample(String source, double value, String detail, Optional<String> alarm, boolean isOfTable) {

    /**
     * What was read of something that is no table.
     *
     * @param source what it is of; empty for the whole database
     * @param value how much, in the signal's unit
     * @param detail who or what it is, for a message; may be empty
     * @param alarm why everything holds whatever the value; empty for no such reason
     */
    public Sample(String source, double value, String detail, Optional<String> alarm) {
        this(source, value, detail, alarm, false);
    }

    /**
     * The same with another value.
     *
     * @param other how much
     * @return a new sample
     */
    public Sample with(double other) {
        return new Sample(source, other, detail, alarm, isOfTable);
    }
}
