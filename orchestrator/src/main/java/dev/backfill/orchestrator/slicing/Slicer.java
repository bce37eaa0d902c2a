package dev.backfill.orchestrator.slicing;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Passes;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.At;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.KeyRange.Start;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Freezes a run's range and cuts it into slices. Reads only.
 *
 * @param statement the job on its table
 */
public record Slicer(JobStatement statement) {

    private static final String NOW = "now()";
    private static final int SLICES_PER_WORKER = 4;
    private static final int MOST_SLICES = 64;
    private static final long LEAST_ROWS_OF_A_SLICE = 1000;
    private static final Pattern PLAN_ROWS = Pattern.compile("\"Plan Rows\": *(\\d+)");

    /**
     * The range as it is now.
     *
     * @param connection any session
     * @return the job's start, the first key, the last key, the last key among the NULLs
     * @throws SQLException when a query fails
     */
    public FrozenRange freeze(Connection connection) throws SQLException {
        return new RangeEnds(statement).freeze(connection, NOW);
    }

    /**
     * How many rows the planner expects in the range.
     *
     * @param connection any session
     * @param range the range
     * @return rows
     * @throws SQLException when a query fails
     */
    public long estimate(Connection connection, FrozenRange range) throws SQLException {
        if (!statement.job().target().range().isBounded()) {
            return planned(connection, Optional.empty()); // known of a table also where nothing is known of its columns
        }
        long rows = 0;
        Optional<KeyRange> held = rows(range);
        if (held.isPresent()) {
            rows += planned(connection, held);
        }
        if (range.nulls().isPresent()) {
            rows += planned(
                    connection,
                    Optional.of(new KeyRange(
                            new KeyRange.After(Key.NULLS), range.nulls().get())));
        }
        return rows;
    }

    /**
     * Contiguous slices over the whole range, more than there are workers.
     *
     * @param connection any session
     * @param range the range
     * @param estimatedRows how many rows are in it
     * @return the slices in order; none for an empty range
     * @throws SQLException when a query fails
     */
    public List<Bounds> cut(Connection connection, FrozenRange range, long estimatedRows) throws SQLException {
        List<Bounds> slices = new ArrayList<>();
        Optional<Key> last = last(range);
        if (last.isPresent()) {
            long most = Math.min(
                    MOST_SLICES,
                    (long) SLICES_PER_WORKER * statement.job().execution().parallelism());
            int wanted = (int) Math.max(1, Math.min(most, estimatedRows / LEAST_ROWS_OF_A_SLICE));
            Optional<Key> from = Optional.empty();
            for (Key boundary : boundaries(connection, range, wanted)) {
                slices.add(new Bounds(from, boundary));
                from = Optional.of(boundary);
            }
            slices.add(new Bounds(from, last.get()));
        }
        range.nulls().ifPresent(end -> slices.add(new Bounds(Optional.of(Key.NULLS), end)));
        return slices;
    }

    /**
     * Keys that divide a range into parts of about the same number of rows, as far as that is known.
     *
     * @param connection any session
     * @param range the range, with rows
     * @param parts how many parts are wanted
     * @return the last keys of all parts but the last, in the run's order; fewer where the keys do not allow more
     * @throws SQLException when a query fails
     */
    public List<Key> boundaries(Connection connection, FrozenRange range, int parts) throws SQLException {
        return new Boundaries(statement).find(connection, range, parts);
    }

    /**
     * The rows that have come in beyond the end of a range since it was frozen, below the end that the job names.
     *
     * @param connection any session
     * @param range the range, ascending
     * @param started when the run started, as text
     * @return up to the last keys there are now, ascending; none when nothing came in
     * @throws SQLException when a query fails
     */
    public List<KeyRange> beyond(Connection connection, FrozenRange range, String started) throws SQLException {
        String then = "timestamptz '" + started.replace("'", "''") + "'";
        return following(connection, range, then).stream()
                .flatMap(plan -> plan.slices().stream().map(slice -> range(slice, plan.range())))
                .toList();
    }

    /**
     * The rows that have come in below a range that is gone down to the smallest key there was.
     *
     * @param connection any session
     * @param range the range
     * @return down to the smallest key there is now; empty when nothing came in, and where the job names the start
     * @throws SQLException when a query fails
     */
    public Optional<KeyRange> below(Connection connection, FrozenRange range) throws SQLException {
        if (!isDescending() || range.start().isEmpty() || range.from().isPresent()) {
            return Optional.empty();
        }
        Key start = range.start().get();
        return new RangeEnds(statement)
                .below(connection, start)
                .map(last -> new KeyRange(new KeyRange.After(start), last));
    }

    /**
     * What has to be gone over besides a range whose rows are all done, to follow the rows that come in.
     *
     * @param connection any session
     * @param range the range so far, ascending and without an end that the job names
     * @return the range with its new end, and the slices beyond the old one; empty when nothing came in
     * @throws SQLException when a query fails
     */
    public Optional<Passes.Plan> following(Connection connection, FrozenRange range) throws SQLException {
        return following(connection, range, NOW);
    }

    private Optional<Passes.Plan> following(Connection connection, FrozenRange range, String now) throws SQLException {
        FrozenRange present = new RangeEnds(statement).freeze(connection, now);
        Optional<Bounds> rows = range.end().isEmpty()
                ? present.end().map(last -> new Bounds(Optional.empty(), last))
                : more(connection, range.end().get(), now);
        Optional<Bounds> nulls = range.nulls().isEmpty()
                ? present.nulls().map(last -> new Bounds(Optional.of(Key.NULLS), last))
                : more(connection, range.nulls().get(), now);
        FrozenRange after = new FrozenRange(
                range.from(),
                range.start().or(present::start),
                rows.map(Bounds::to).or(range::end),
                nulls.map(Bounds::to).or(range::nulls));
        List<Bounds> slices = Stream.of(rows, nulls).flatMap(Optional::stream).toList();
        long estimated = 0;
        for (Bounds slice : slices) {
            estimated += planned(connection, Optional.of(range(slice, after)));
        }
        return slices.isEmpty()
                ? Optional.empty()
                : Optional.of(new Passes.Plan(after, slices, new Passes.Rows(estimated, Optional.empty())));
    }

    private KeyRange range(Bounds slice, FrozenRange of) {
        return new KeyRange(slice.from().<Lower>map(KeyRange.After::new).orElse(beginning(of)), slice.to());
    }

    private Optional<Bounds> more(Connection connection, Key end, String now) throws SQLException {
        return new RangeEnds(statement).beyond(connection, end, now).map(last -> new Bounds(Optional.of(end), last));
    }

    /**
     * Where a range begins in the run's order.
     *
     * @param range the range
     * @return its inclusive start, or the first row; on the way down the largest key there was
     */
    public Lower beginning(FrozenRange range) {
        Optional<Key> first = isDescending() ? range.end() : range.from().map(Key::of);
        return first.<Lower>map(At::new).orElseGet(Start::new);
    }

    /**
     * All rows of a range whose range column holds a value.
     *
     * @param range the range
     * @return from its beginning to its end in the run's order; empty when there was no such row
     */
    public Optional<KeyRange> rows(FrozenRange range) {
        return last(range).map(last -> new KeyRange(beginning(range), last));
    }

    /** On the way down a run ends at the start that the job names, or at the smallest key there was. */
    private Optional<Key> last(FrozenRange range) {
        return isDescending()
                ? range.start().map(start -> range.from().map(Key::of).orElse(start))
                : range.end();
    }

    private boolean isDescending() {
        return statement.key().order() == KeyOrder.DESC;
    }

    long planned(Connection connection, Optional<KeyRange> range) throws SQLException {
        SqlFragment.Builder explain =
                SqlFragment.builder().code("EXPLAIN (FORMAT JSON) SELECT FROM ").code(statement.tableName());
        range.ifPresent(r -> explain.code(" WHERE ").add(r.predicate(statement.key(), Optional.empty())));
        try (PreparedStatement query = Statements.prepare(connection, explain.build());
                ResultSet row = query.executeQuery()) {
            row.next();
            Matcher rows = PLAN_ROWS.matcher(row.getString(1));
            return rows.find() ? Long.parseLong(rows.group(1)) : 0;
        }
    }
}
