package dev.backfill.orchestrator.wal;

/**
 * What a batch has written to the server's log.
 *
 * @param from where the log, or the count of the session's own bytes, stood before it
 * @param to where it stood after it; below {@code from} when that is not known
 * @param isOwn whether it is the count of the session alone; else others may have written a part of it
 */
public record Written(long from, long to, boolean isOwn) {

    /** It is not known how much. */
    public static final Written UNKNOWN = new Written(0, -1, false);

    /**
     * How much.
     *
     * @return in bytes; 0 when that is not known
     */
    public long bytes() {
        return Math.max(0, to - from);
    }

    /** Adds up what was written. What two batches that lie beside one another have seen of the log counts once. One thread. */
    public static final class Sum {

        private long known;

        /**
         * Takes one more.
         *
         * @param written by a batch that has ended
         * @return the bytes of it that did not count yet
         */
        public long add(Written written) {
            if (written.isOwn()) {
                return written.bytes();
            }
            long fresh = Math.max(0, written.to() - Math.max(written.from(), known));
            known = Math.max(known, written.to());
            return fresh;
        }
    }
}
