package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.sql.Key;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * One execution of one revision of a job.
 *
 * @param id a UUIDv7 in text, unique everywhere
 * @param revision what is executed
 * @param state where it stands
 * @param pass how often the range has been gone over, 0 before it began
 * @param details what is known once it has begun or ended
 */
public record Run(String id, Revision revision, RunState state, int pass, Details details) {

    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * Makes the id of a new run: a UUID of version 7, which sorts by time.
     *
     * @param unixMilliseconds the time that the id begins with
     * @return 36 characters
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7">RFC 9562, UUID Version 7</a>
     */
    public static String newId(long unixMilliseconds) {
        long high = (unixMilliseconds << 16) | 0x7000L | (RANDOM.nextLong() & 0x0FFFL);
        long low = 0x8000_0000_0000_0000L | (RANDOM.nextLong() & 0x3FFF_FFFF_FFFF_FFFFL);
        return new UUID(high, low).toString();
    }

    /**
     * A revision of a job.
     *
     * @param job the job's name
     * @param number counts from 1
     * @param checksum of the definition
     */
    public record Revision(String job, int number, String checksum) {}

    /**
     * What is known of a run once it has begun or ended.
     *
     * @param range the range as it was frozen at the start
     * @param started when it began, as the database's text, in UTC
     * @param estimatedRows the planner's figure for the range
     * @param remaining how many rows the last check found still to do
     * @param reason why it is paused, failed or cancelled
     */
    public record Details(
            Optional<FrozenRange> range,
            Optional<String> started,
            Optional<Long> estimatedRows,
            Optional<Long> remaining,
            Optional<String> reason) {}

    /**
     * The range as it was when the run started.
     *
     * @param from the inclusive start that the job names
     * @param start the first key there was
     * @param end the last key there was, inclusive; empty when there was no row
     * @param nulls the last key among the rows whose range column is NULL; empty when there was none
     */
    public record FrozenRange(Optional<String> from, Optional<Key> start, Optional<Key> end, Optional<Key> nulls) {}

    /**
     * A run's wish for its table.
     *
     * @param root the number in the catalog of the topmost table that the table is a partition of, else its own
     * @param table the number of the table itself
     * @param shared whether the run may work beside others
     * @param key the columns that it goes by, with their types and collations
     */
    public record TableWish(long root, long table, boolean shared, List<String> key) {
        /** Copies the list. */
        public TableWish {
            key = List.copyOf(key);
        }
    }

    /**
     * What a check of the whole range found.
     *
     * @param horizon every transaction below this number had ended before the rows were counted
     * @param remaining rows still to do
     */
    public record Proof(String horizon, long remaining) {}
}
