package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.TableFactsReader;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Looks at what a run would do. Without samples it reads only; samples change rows, and are rolled back: they take locks and
 * write WAL. Used once.
 */
public final class DryRun {

    private static final String NOW = "SELECT pg_catalog.now()::text";
    private static final int QUARTERS = 4;

    private final Connection connection;
    private final JobStatement statement;
    private final Slicer slicer;
    private final Timing timing;

    /**
     * For a job.
     *
     * @param connection a session with the settings of a worker's, autocommit off
     * @param statement the job on its table
     * @param timing how time passes
     */
    public DryRun(Connection connection, JobStatement statement, Timing timing) {
        this.connection = connection;
        this.statement = statement;
        this.slicer = new Slicer(statement);
        this.timing = timing;
    }

    /**
     * Looks, and reads only.
     *
     * @return what a run would do
     * @throws SQLException when the server does not answer, or refuses
     */
    public Forecast look() throws SQLException {
        try {
            readOnly();
            return forecast(List.of());
        } finally {
            connection.rollback();
        }
    }

    /**
     * Looks, and tries batches.
     *
     * @param change what a batch does to its rows
     * @return what a run would do
     * @throws SQLException when the server does not answer, or refuses; also what a batch of a run would meet
     */
    public Forecast sample(Change change) throws SQLException {
        try {
            FrozenRange range = slicer.freeze(connection);
            Optional<KeyRange> rows = slicer.rows(range);
            String started = started();
            List<Sample> samples = new ArrayList<>();
            if (rows.isPresent()) {
                Sampler sampler = new Sampler(connection, statement, change, timing);
                for (Place place : places(range, rows.get())) {
                    sampler.batch(place.name(), place.rest(), started).ifPresent(samples::add);
                }
            }
            connection.rollback();
            readOnly();
            return forecast(samples);
        } finally {
            connection.rollback();
        }
    }

    private record Place(String name, KeyRange rest) {}

    /** In the contract's order: what is likely to differ most comes first. */
    private List<Place> places(FrozenRange range, KeyRange rows) throws SQLException {
        List<Key> quarters = slicer.boundaries(connection, range, QUARTERS);
        List<Place> places = new ArrayList<>();
        places.add(new Place("0", rows));
        places.add(new Place("1", new KeyRange(beforeLast(rows), rows.upTo())));
        if (quarters.size() == QUARTERS - 1) {
            places.add(place("1/2", quarters.get(1), rows));
            places.add(place("1/4", quarters.get(0), rows));
            places.add(place("3/4", quarters.get(2), rows));
        }
        return places;
    }

    private static Place place(String name, Key from, KeyRange rows) {
        return new Place(name, new KeyRange(new KeyRange.After(from), rows.upTo()));
    }

    /** A batch's size before the end; the beginning, where there are fewer keys. */
    private KeyRange.Lower beforeLast(KeyRange rows) throws SQLException {
        List<KeyColumn> columns = statement.key().indexed()
                ? statement.key().columns()
                : List.of(statement.key().first());
        SqlFragment back = SqlFragment.builder()
                .code("SELECT " + columns.stream().map(KeyColumn::asText).collect(Collectors.joining(", ")) + " FROM ")
                .code(statement.tableName())
                .code(" AS t WHERE ")
                .add(rows.predicate(statement.key(), Optional.empty()))
                .code(KeyColumns.orderBy(columns, statement.key().order().reversed()))
                .code(" LIMIT 1 OFFSET " + (size() - 1))
                .build();
        return Statements.keys(connection, back).stream()
                .findFirst()
                .<KeyRange.Lower>map(KeyRange.At::new)
                .orElse(rows.lower());
    }

    private Forecast forecast(List<Sample> samples) throws SQLException {
        FrozenRange range = slicer.freeze(connection);
        long rows = slicer.estimate(connection, range);
        List<Slice.Bounds> slices = slicer.cut(connection, range, rows);
        long table = statement.table().identity().oid();
        return new Forecast(
                statement,
                new Forecast.Extent(range, slices.size(), rows),
                plan(range, slices),
                TableFactsReader.surroundings(connection, table),
                samples);
    }

    /** Of a batch in the middle: the first of a table may be found in another way than most. */
    private Optional<StatementPlan> plan(FrozenRange range, List<Slice.Bounds> slices) throws SQLException {
        if (slices.isEmpty()) {
            return Optional.empty();
        }
        Slice.Bounds middle = slices.get(slices.size() / 2);
        KeyRange.Lower lower =
                middle.from().<KeyRange.Lower>map(KeyRange.After::new).orElse(slicer.beginning(range));
        KeyRange rest = new KeyRange(lower, middle.to());
        KeySearch.End end = new KeySearch(statement.tableName(), statement.key()).find(connection, rest, size());
        KeyRange batch = new KeyRange(lower, end.key());
        return Optional.of(StatementPlan.of(connection, statement, change(batch)));
    }

    /** What a processor will read is for it to say; by the batch's range it will be. */
    private SqlFragment change(KeyRange batch) throws SQLException {
        if (statement.job().work() instanceof Work.Custom) {
            return SqlFragment.builder()
                    .code("SELECT FROM ")
                    .code(statement.tableName())
                    .code(" WHERE ")
                    .add(batch.predicate(statement.key(), Optional.empty()))
                    .build();
        }
        return statement.change(new JobStatement.Batch(batch, started(), false));
    }

    private int size() {
        return statement.job().execution().batch().size();
    }

    private String started() throws SQLException {
        return String.valueOf(
                Statements.keys(connection, SqlFragment.of(NOW)).get(0).first());
    }

    private void readOnly() throws SQLException {
        try (Statement setting = connection.createStatement()) {
            setting.execute("SET TRANSACTION READ ONLY");
        }
    }
}
