package dev.backfill.api;

import static java.util.Objects.requireNonNull;

/** How a run proves that nothing is left before it is called a success. */
public sealed interface Verification {

    /**
     * Counts the rows that still meet a condition; none may.
     *
     * @param condition the SQL condition of a row that is still to do
     */
    record Remaining(String condition) implements Verification {
        /** Checks that the condition is there. */
        public Remaining {
            requireNonNull(condition, "condition");
        }
    }

    /** Nothing is counted, and the run says that it is unverified. */
    record None() implements Verification {}
}
