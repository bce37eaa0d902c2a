package dev.backfill.orchestrator.run;

import dev.backfill.orchestrator.db.OwnTables;
import dev.backfill.orchestrator.db.Stored;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/**
 * The last statement of every batch: it moves the checkpoint of a slice, in the transaction that changed the rows.
 *
 * @param tables where the own tables are
 * @param lease for how long the slice is kept from here
 */
public record Checkpoints(OwnTables tables, Duration lease) {

    /**
     * What a batch did.
     *
     * @param to its last key
     * @param scanned keys gone over
     * @param changed rows that its statement changed
     */
    public record Batch(Key to, long scanned, long changed) {}

    /*
     * Each of the five conditions behind the slice's key is there for a failure that was seen:
     *   owner       a crash of the server took the claim with it, and another process claimed under the same number
     *   fence       this process itself claimed the slice anew while an older transaction of its own was under way
     *   state       the slice was finished or given back meanwhile
     *   checkpoint  the batch was committed already, and its answer was lost
     *   "to"        the slice was cut shorter under its worker
     */
    static final String MOVE = """
            UPDATE backfill.slice SET
                checkpoint = to_jsonb(CAST(? AS text[])),
                rows_scanned = rows_scanned + ?,
                rows_changed = rows_changed + ?,
                batches = batches + 1,
                attempts = greatest(attempts - 1, 0),
                lease_until = clock_timestamp() + CAST(? AS interval),
                state = CASE WHEN "to" = to_jsonb(CAST(? AS text[])) THEN 'DONE' ELSE 'RUNNING' END
            WHERE run = ? AND number = ?
              AND owner = ?
              AND fence = ?
              AND state = 'RUNNING'
              AND checkpoint IS NOT DISTINCT FROM to_jsonb(CAST(? AS text[]))
              AND "to" = to_jsonb(CAST(? AS text[]))
            RETURNING (SELECT r.state FROM backfill.run r WHERE r.id = slice.run)
            """;

    /**
     * Moves the checkpoint.
     *
     * @param connection the batch's, inside its transaction
     * @param slice as it was when the batch began
     * @param batch what the batch did
     * @return the run's state; empty when the slice is no longer what the batch took it for: roll back, read again
     * @throws SQLException when the statement fails
     */
    public Optional<RunState> move(Connection connection, Slice slice, Batch batch) throws SQLException {
        return move(connection, tables.sql(MOVE), slice, batch);
    }

    Optional<RunState> move(Connection connection, String sql, Slice slice, Batch batch) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            String to = Stored.literal(batch.to());
            update.setString(1, to);
            update.setLong(2, batch.scanned());
            update.setLong(3, batch.changed());
            update.setString(4, Stored.interval(lease));
            update.setString(5, to);
            update.setString(6, slice.id().run());
            update.setInt(7, slice.id().number());
            update.setString(8, slice.lease().owner());
            update.setLong(9, slice.lease().fence());
            update.setString(10, Stored.literal(slice.checkpoint().orElse(null)));
            update.setString(11, Stored.literal(slice.bounds().to()));
            try (ResultSet row = update.executeQuery()) {
                return row.next() ? Optional.of(RunState.valueOf(row.getString(1))) : Optional.empty();
            }
        }
    }
}
