package dev.backfill.orchestrator.engine;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.run.SliceStore.Working;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a slice that is being worked in two, so that an idle worker has something to do and nobody waits at the tail.
 *
 * @param statement the job on its table
 * @param slices where slices are kept
 * @param leastRows a part has at least so many keys, or the slice stays whole
 */
record LiveSplitter(JobStatement statement, SliceStore slices, long leastRows) {

    /** Cuts the slice with the widest rest of its keys; false when none was worth it. */
    boolean split(Connection connection, String run, FrozenRange range, int parallelism) throws SQLException {
        Optional<KeySpace> space = KeySpace.of(statement.key().first());
        if (space.isEmpty()) {
            return false;
        }
        List<Working> working = slices.working(run);
        if (working.size() >= parallelism) {
            return false;
        }
        for (Working slice : working) {
            Optional<Key> middle = slice.bounds().to().isNull()
                    ? Optional.empty()
                    : middle(connection, space.get(), slice, range);
            if (middle.isPresent() && slices.split(slice, middle.get())) {
                return true;
            }
        }
        return false;
    }

    private Optional<Key> middle(Connection connection, KeySpace space, Working slice, FrozenRange range)
            throws SQLException {
        @Nullable String lo = slice.position().or(range::start).map(Key::first).orElse(null);
        Optional<Key> middle = point(connection, space, lo, slice.bounds().to().first());
        if (middle.isEmpty()) {
            return middle;
        }
        KeyRange.Lower lower = slice.position().<KeyRange.Lower>map(KeyRange.After::new).orElse(Slicer.lower(range));
        boolean worth = hasRows(connection, new KeyRange(lower, middle.get()))
                && hasRows(connection, new KeyRange(new KeyRange.After(middle.get()), slice.bounds().to()));
        return worth ? middle : Optional.empty();
    }

    private Optional<Key> point(Connection connection, KeySpace space, @Nullable String lo, @Nullable String hi)
            throws SQLException {
        KeyColumn first = statement.key().first();
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT " + first.asText() + " FROM (SELECT lo, hi, " + space.between(first, "0.5") + " AS "
                        + first.quoted() + " FROM (SELECT ")
                .bind(lo, first.type())
                .code(" AS lo, ")
                .bind(hi, first.type())
                .code(" AS hi) AS ends) AS middle WHERE ")
                .verbatim(first.quoted())
                .code(" > lo AND ")
                .verbatim(first.quoted())
                .code(" < hi")
                .build();
        try (PreparedStatement query = Statements.prepare(connection, sql);
                ResultSet row = query.executeQuery()) {
            return row.next() ? Optional.of(Key.of(row.getString(1))) : Optional.empty();
        }
    }

    private boolean hasRows(Connection connection, KeyRange range) throws SQLException {
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT count(*) FROM (SELECT FROM ")
                .verbatim(statement.tableName())
                .code(" WHERE ")
                .add(range.predicate(statement.key(), Optional.empty()))
                .code(" LIMIT " + leastRows + ") AS probe")
                .build();
        return Statements.queryLong(connection, sql) >= leastRows;
    }
}
