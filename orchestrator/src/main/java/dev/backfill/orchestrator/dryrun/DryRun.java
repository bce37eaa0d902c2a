package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.db.TableFactsReader;
import dev.backfill.orchestrator.dryrun.Forecast.Around;
import dev.backfill.orchestrator.dryrun.Forecast.Extent;
import dev.backfill.orchestrator.dryrun.Places.Place;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.slicing.Slicer;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Looks at what a run would do. Without samples it reads only; samples change rows, and are rolled back: they take locks and
 * write WAL. For one thread.
 */
public final class DryRun {

    private static final String NOW = "SELECT pg_catalog.now()::text";
    private static final Duration TRAFFIC = Duration.ofSeconds(2);
    private static final double NANOS = 1e9;

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
     * Looks, and reads only; for two seconds, to see what others write.
     *
     * @return what a run would do, without any batch tried
     * @throws SQLException when the server does not answer, or refuses
     */
    public Forecast look() throws SQLException {
        return rolledBack(() -> {
            Statements.execute(connection, "SET TRANSACTION READ ONLY");
            Surroundings table = surroundings();
            long since = timing.nanos();
            FrozenRange range = slicer.freeze(connection);
            long rows = slicer.estimate(connection, range);
            List<Slice.Bounds> slices = slicer.cut(connection, range, rows);
            Optional<StatementPlan> plan = plan(range, slices);
            Around around = new Around(table, slices.isEmpty() ? 0 : writesPerSecond(table, since));
            return new Forecast(statement, new Extent(range, slices.size(), rows), plan, around, Forecast.Trials.NONE);
        });
    }

    /**
     * Tries batches, and rolls them back.
     *
     * @param seen what was seen before
     * @param change what a batch does to its rows
     * @return the same with what came of the batches
     * @throws SQLException when the server does not answer, or refuses; not when a batch fails
     */
    public Forecast sample(Forecast seen, Change change) throws SQLException {
        return rolledBack(() -> {
            List<Place> places =
                    new Places(statement).of(connection, seen.extent().range());
            String started = started();
            connection.rollback();
            Sampler sampler = new Sampler(connection, statement, change, timing);
            List<Trial> trials = new ArrayList<>();
            Watch watch = Watch.over(change, timing);
            try {
                for (Place place : places) {
                    sampler.batch(place, started).ifPresent(trials::add);
                }
            } finally {
                watch.end();
            }
            return seen.tried(trials);
        });
    }

    private interface Inquiry {
        Forecast make() throws SQLException;
    }

    /** Leaves no transaction behind; a connection that is lost keeps nobody from hearing why. */
    private Forecast rolledBack(Inquiry inquiry) throws SQLException {
        Forecast forecast;
        try {
            forecast = inquiry.make();
        } catch (SQLException | RuntimeException e) {
            try {
                connection.rollback();
            } catch (SQLException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
        connection.rollback();
        return forecast;
    }

    /** Between two transactions, for the server's figures stand still within one. */
    private double writesPerSecond(Surroundings before, long since) throws SQLException {
        connection.rollback();
        Duration left = TRAFFIC.minus(timing.since(since));
        if (!left.isNegative()) {
            timing.sleep(left);
        }
        long writes = surroundings().writes() - before.writes();
        return Math.max(0, writes) * NANOS / Math.max(1, timing.since(since).toNanos());
    }

    private Surroundings surroundings() throws SQLException {
        return TableFactsReader.surroundings(
                connection, statement.table().identity().oid());
    }

    /** Of a batch in the middle: the first of a table may be found in another way than most. */
    private Optional<StatementPlan> plan(FrozenRange range, List<Slice.Bounds> slices) throws SQLException {
        if (slices.isEmpty()) {
            return Optional.empty();
        }
        Slice.Bounds middle = slices.get((slices.size() - 1) / 2); // the last may be that of the rows without a value
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
}
