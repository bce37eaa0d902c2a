package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Counts the rows that are still to do, batch by batch, never in one long snapshot. Not safe for use by several threads. */
public final class RemainingCount {

    private static final int KEYS_SHOWN = 5;

    private final JobStatement statement;
    private final String started;
    private final KeySearch search;
    private final List<Key> firstKeys = new ArrayList<>();
    private long rows;

    /**
     * Of nothing yet.
     *
     * @param statement the job, which says what is still to do
     * @param started when the run started, as text
     */
    public RemainingCount(JobStatement statement, String started) {
        this.statement = statement;
        this.started = started;
        this.search = new KeySearch(statement.tableName(), statement.key());
    }

    /**
     * Counts a batch.
     *
     * @param connection any session
     * @param rest what is left of the range; it is one batch when it is known to be small enough
     * @param size how many keys the batch should take
     * @return where the batch ended
     * @throws SQLException when a query fails; nothing was counted then
     */
    public KeySearch.End next(Connection connection, KnownPart rest, int size) throws SQLException {
        KeySearch.End end = rest.keys() <= size
                ? new KeySearch.End(rest.range().upTo(), rest.keys())
                : search.find(connection, rest.range(), size);
        KeyRange batch = new KeyRange(rest.range().lower(), end.key());
        long found = Statements.queryLong(
                connection, statement.remaining(batch, started).orElseThrow());
        if (found > 0 && firstKeys.size() < KEYS_SHOWN) {
            int more = KEYS_SHOWN - firstKeys.size();
            firstKeys.addAll(Statements.keys(
                    connection, statement.remainingKeys(batch, started, more).orElseThrow()));
        }
        rows += found;
        return end;
    }

    /**
     * How many there were.
     *
     * @return rows
     */
    public long rows() {
        return rows;
    }

    /**
     * The keys of the first of them.
     *
     * @return at most five
     */
    public List<Key> firstKeys() {
        return List.copyOf(firstKeys);
    }
}
