package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.run.SliceStore.Working;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
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
    private static final int MOST_COUNTED = 100_000;

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
        List<Working> working = slices.working(run);
        if (working.size() >= parallelism) {
            return false;
        }
        for (Working slice : working) {
            boolean insideGroup = !statement.key().indexed()
                    && slice.position().filter(p -> p.parts().size() > 1).isPresent();
            Optional<Key> middle =
                    slice.bounds().to().isNull() || insideGroup ? Optional.empty() : middle(connection, slice, range);
            if (middle.isPresent() && cut(connection, slice, middle.get(), range)) {
                return true;
            }
        }
        return false;
    }

    /** By arithmetic where the type has distances; where that finds nothing, by a sample; of the last rows, by counting. */
    private Optional<Key> middle(Connection connection, Working slice, FrozenRange range) throws SQLException {
        KeyRange rest = rest(slice, range);
        if (!hasRows(connection, rest, 2 * leastRows)) {
            return Optional.empty();
        }
        Optional<KeySpace> space = KeySpace.of(statement.key().first());
        Optional<Key> reckoned = space.isEmpty() ? Optional.empty() : reckoned(connection, space.get(), slice, range);
        if (reckoned.isPresent()) {
            return reckoned;
        }
        Optional<Key> drawn = drawn(connection, rest);
        return drawn.isPresent() ? drawn : counted(connection, rest);
    }

    /**
     * A point with enough keys on either side. The keys may lie close together anywhere between the ends, so the half
     * with too few of them is left behind again and again.
     */
    private Optional<Key> reckoned(Connection connection, KeySpace space, Working slice, FrozenRange range)
            throws SQLException {
        KeyRange rest = rest(slice, range);
        boolean up = statement.key().order() == KeyOrder.ASC;
        @Nullable
        String near = slice.position()
                .or(up ? range::start : range::end)
                .map(Key::first)
                .orElse(null);
        @Nullable String far = slice.bounds().to().first();
        for (int step = 0; step < MOST_STEPS; step++) {
            Optional<Key> point = point(connection, space, near, far);
            if (point.isEmpty()) {
                return Optional.empty();
            } else if (!hasRows(connection, new KeyRange(rest.lower(), point.get()), leastRows)) {
                near = point.get().first();
            } else if (!hasRows(connection, new KeyRange(new KeyRange.After(point.get()), rest.upTo()), leastRows)) {
                far = point.get().first();
            } else {
                return point;
            }
        }
        return Optional.empty();
    }

    private Optional<Key> drawn(Connection connection, KeyRange rest) throws SQLException {
        long tableRows = new Slicer(statement).planned(connection, Optional.empty());
        List<Key> keys = new KeySample(statement).keys(connection, rest, tableRows);
        if (keys.isEmpty()) {
            return Optional.empty();
        }
        Key middle = keys.get(keys.size() / 2);
        boolean worthIt = hasRows(connection, new KeyRange(rest.lower(), middle), leastRows)
                && hasRows(connection, new KeyRange(new KeyRange.After(middle), rest.upTo()), leastRows);
        return worthIt ? Optional.of(middle) : Optional.empty();
    }

    private Optional<Key> counted(Connection connection, KeyRange rest) throws SQLException {
        KeySearch search = new KeySearch(statement.tableName(), statement.key());
        long keys = search.find(connection, rest, MOST_COUNTED).keys();
        KeySearch.End half = search.find(connection, rest, (int) Math.max(leastRows, keys / 2));
        boolean insideGroup = !statement.key().indexed() && half.key().parts().size() > 1;
        boolean worthIt = hasRows(connection, new KeyRange(new KeyRange.After(half.key()), rest.upTo()), leastRows);
        return worthIt && !insideGroup ? Optional.of(half.key()) : Optional.empty();
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
                    || !hasRows(
                            connection, new KeyRange(rest(again.get(), range).lower(), middle), leastRows)) {
                return false;
            }
            now = again.get();
        }
        return true;
    }

    private KeyRange rest(Working slice, FrozenRange range) {
        Lower beginning = new Slicer(statement).beginning(range);
        return new KeyRange(
                slice.position().<Lower>map(KeyRange.After::new).orElse(beginning),
                slice.bounds().to());
    }

    private Optional<Key> point(Connection connection, KeySpace space, @Nullable String lo, @Nullable String hi)
            throws SQLException {
        KeyColumn first = statement.key().first();
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT " + first.asText() + " FROM (SELECT m.middle AS " + first.quoted())
                .code(" FROM (SELECT lo, hi, " + space.between(first, "0.5") + " AS middle FROM (SELECT ")
                .bind(lo, first.type())
                .code(" AS lo, ")
                .bind(hi, first.type())
                .code(" AS hi) AS ends) AS m")
                .code(" WHERE m.middle > least(m.lo, m.hi) AND m.middle < greatest(m.lo, m.hi)) AS t")
                .build();
        try (PreparedStatement query = Statements.prepare(connection, sql);
                ResultSet row = query.executeQuery()) {
            return row.next() ? Optional.of(Key.of(row.getString(1))) : Optional.empty();
        }
    }

    private boolean hasRows(Connection connection, KeyRange range, long least) throws SQLException {
        SqlFragment sql = SqlFragment.builder()
                .code("SELECT count(*) FROM (SELECT FROM ")
                .code(statement.tableName())
                .code(" WHERE ")
                .add(range.predicate(statement.key(), Optional.empty()))
                .code(" LIMIT " + least + ") AS probe")
                .build();
        return Statements.queryLong(connection, sql) >= least;
    }
}
