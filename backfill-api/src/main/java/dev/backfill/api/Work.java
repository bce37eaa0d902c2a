package dev.backfill.api;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The change that each batch makes: exactly one of four kinds. */
public sealed interface Work {

    /**
     * Whether a further pass over rows that were left is right: the change may be made again on a row that has it.
     *
     * @return true when a committed batch may be done again
     */
    boolean repeatable();

    /**
     * Sets columns of the batch's rows.
     *
     * @param set column as written in SQL to the expression of its new value, in the order of the file
     * @param where the condition that a row must meet to be changed; {@code true} for every row
     */
    record Update(Map<String, String> set, String where) implements Work {
        /**
         * Copies the assignments.
         *
         * @throws IllegalArgumentException when there is none
         */
        public Update {
            set = Collections.unmodifiableMap(new LinkedHashMap<>(set));
            requireNonNull(where, "where");
            if (set.isEmpty()) {
                throw new IllegalArgumentException("update.set must assign at least one column");
            }
        }

        @Override
        public boolean repeatable() {
            return true;
        }
    }

    /**
     * Deletes the batch's rows.
     *
     * @param where the condition that a row must meet to be deleted; {@code true} for every row
     */
    record Delete(String where) implements Work {
        /** Checks that the condition is there. */
        public Delete {
            requireNonNull(where, "where");
        }

        @Override
        public boolean repeatable() {
            return true;
        }
    }

    /**
     * Runs one statement of the author's own for each batch.
     *
     * @param statement one SQL statement in which {@code :range} stands for the batch's rows
     * @param idempotent whether a committed batch may be done again
     */
    record Sql(String statement, boolean idempotent) implements Work {
        /** Checks that the statement is there. */
        public Sql {
            requireNonNull(statement, "statement");
        }

        @Override
        public boolean repeatable() {
            return idempotent;
        }
    }

    /**
     * Hands each batch to a class of the author's own.
     *
     * @param type the name of a class that is a {@link dev.backfill.api.processor.Processor}
     * @param options what it is told, as YAML has it
     * @param idempotent whether a committed batch may be done again
     */
    record Custom(String type, Map<String, @Nullable Object> options, boolean idempotent) implements Work {
        /** Copies the options. */
        public Custom {
            requireNonNull(type, "type");
            options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
        }

        @Override
        public boolean repeatable() {
            return idempotent;
        }
    }
}
