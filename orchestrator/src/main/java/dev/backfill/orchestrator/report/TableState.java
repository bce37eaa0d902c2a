package dev.backfill.orchestrator.report;

import java.time.Instant;
import java.util.Optional;

/**
 * What a run leaves behind in a table or partition. Immutable.
 *
 * @param table its name, quoted as in SQL
 * @param dead rows that are dead, by the server's own estimate
 * @param live rows that are not
 * @param vacuumed when it was vacuumed last; empty for never
 * @param due how many dead rows bring autovacuum; empty when it is off for the table
 */
public record TableState(String table, long dead, long live, Optional<Instant> vacuumed, Optional<Long> due) {

    /**
     * What to do about it.
     *
     * @return in a line
     */
    public String advice() {
        if (dead == 0) {
            return "nothing is left to vacuum";
        } else if (due.isEmpty()) {
            return "autovacuum is off here: run VACUUM (ANALYZE) " + table;
        } else if (dead > due.get()) {
            return "autovacuum is due, and comes within autovacuum_naptime; if it does not, run VACUUM (ANALYZE) "
                    + table;
        }
        return "autovacuum comes at " + due.get()
                + " dead rows; to have their room used again before, run VACUUM (ANALYZE) " + table
                + " at a quiet hour";
    }
}
