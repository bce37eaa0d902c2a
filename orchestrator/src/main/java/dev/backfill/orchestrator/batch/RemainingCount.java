package dev.backfill.orchestrator.batch;

import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
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
     * @throws SQLException when a query fails; nothing was counted then, and the session is not to be used again
     */
    public KeySearch.End next(Connection connection, KnownPart rest, int size) throws SQLException {
        KeySearch.End end = rest.keys() <= size
                ? new KeySearch.End(rest.range().upTo(), rest.keys())
                : search.find(connection, rest.range(), size);
        KeyRange batch = new KeyRange(rest.range().lower(), end.key());
        long found = count(connection, statement.remaining(batch, started).orElseThrow());
        if (found > 0 && firstKeys.size() < KEYS_SHOWN) {
            int more = KEYS_SHOWN - firstKeys.size();
            firstKeys.addAll(Statements.keys(
                    connection, statement.remainingKeys(batch, started, more).orElseThrow()));
        }
        rows += found;
        return end;
    }

    /**
     * Page by page, where that can be: a run leaves two entries of the index for most rows, and an index scan goes to the
     * page of each of them. What a condition looks up elsewhere is better found by an index.
     */
    private long count(Connection connection, SqlFragment query) throws SQLException {
        if (!statement.isRemainingSeenFromTheRow()) {
            return Statements.queryLong(connection, query);
        }
        connection.setAutoCommit(false);
        Statements.execute(connection, "SET LOCAL enable_indexscan = off");
        long found = Statements.queryLong(connection, query);
        connection.setAutoCommit(true);
        return found;
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
