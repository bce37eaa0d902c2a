package dev.backfill.orchestrator.slicing;

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
public record LiveSplitter(JobStatement statement, SliceStore slices, long leastRows) {

    private static final int MOST_STEPS = 48;
    private static final int MOST_TRIES = 3;

    /**
     * Cuts a slice that has enough keys left.
     *
     * @param connection a worker's
     * @param run the run's id
     * @param range the run's range
     * @param parallelism workers on the run over all processes
     * @return false when none was worth it
     * @throws SQLException when a query fails
     */
    public boolean split(Connection connection, String run, FrozenRange range, int parallelism) throws SQLException {
        Optional<KeySpace> space = KeySpace.of(statement.key().first());
        if (space.isEmpty()) {
            return false;
        }
        List<Working> working = slices.working(run);
        if (working.size() >= parallelism) {
            return false;
        }
        for (Working slice : working) {
            boolean insideGroup = !statement.key().indexed()
                    && slice.position().filter(p -> p.parts().size() > 1).isPresent();
            Optional<Key> middle = slice.bounds().to().isNull() || insideGroup
                    ? Optional.empty()
                    : middle(connection, space.get(), slice, range);
            if (middle.isPresent() && cut(connection, slice, middle.get(), range)) {
                return true;
            }
        }
        return false;
    }

    /**
     * A point with enough keys on either side. The keys may lie close together anywhere between the ends, so the half
     * with too few of them is left behind again and again.
     */
    private Optional<Key> middle(Connection connection, KeySpace space, Working slice, FrozenRange range)
            throws SQLException {
        Key end = slice.bounds().to();
        if (!hasRows(connection, new KeyRange(lower(slice, range), end), 2 * leastRows)) {
            return Optional.empty();
        }
        @Nullable String lo = slice.position().or(range::start).map(Key::first).orElse(null);
        @Nullable String hi = end.first();
        for (int step = 0; step < MOST_STEPS; step++) {
            Optional<Key> point = point(connection, space, lo, hi);
            if (point.isEmpty()) {
                return Optional.empty();
            } else if (!hasRows(connection, new KeyRange(lower(slice, range), point.get()), leastRows)) {
                lo = point.get().first();
            } else if (!hasRows(connection, new KeyRange(new KeyRange.After(point.get()), end), leastRows)) {
                hi = point.get().first();
            } else {
                return point;
            }
        }
        return Optional.empty();
    }

    /** The worker goes on while the middle is looked for: what counts is where it stands when the slice is cut. */
    private boolean cut(Connection connection, Working seen, Key middle, FrozenRange range) throws SQLException {
        Working now = seen;
        for (int attempt = 1; !slices.split(now, middle); attempt++) {
            Optional<Working> again = slices.working(seen.run()).stream()
                    .filter(w -> w.number() == seen.number() && w.bounds().equals(seen.bounds()))
                    .findFirst();
            if (attempt == MOST_TRIES
                    || again.isEmpty()
                    || !hasRows(connection, new KeyRange(lower(again.get(), range), middle), leastRows)) {
                return false;
            }
            now = again.get();
        }
        return true;
    }

    private static KeyRange.Lower lower(Working slice, FrozenRange range) {
        return slice.position().<KeyRange.Lower>map(KeyRange.After::new).orElse(Slicer.lower(range));
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

    private boolean hasRows(Connection connection, KeyRange range, long least) throws SQLException {
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT count(*) FROM (SELECT FROM ")
                .verbatim(statement.tableName())
                .code(" WHERE ")
                .add(range.predicate(statement.key(), Optional.empty()))
                .code(" LIMIT " + least + ") AS probe")
                .build();
        return Statements.queryLong(connection, sql) >= least;
    }
}
