package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.batch.BatchRunner.Timeouts;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.dryrun.Places.Place;
import dev.backfill.orchestrator.dryrun.Trial.Failure;
import dev.backfill.orchestrator.dryrun.Trial.Sample;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** Tries batches as a run would make them, and rolls them back; one session. */
final class Sampler {

    private static final String WAL =
            "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')";

    /** Errors by which nothing is learned of the batch. */
    private static final Set<ErrorClass> END =
            Set.of(ErrorClass.SESSION_LOST, ErrorClass.DATABASE_DOWN, ErrorClass.DENIED, ErrorClass.DISK_FULL);

    private final Connection connection;
    private final JobStatement statement;
    private final Change change;
    private final Timing timing;
    private final KeySearch search;

    Sampler(Connection connection, JobStatement statement, Change change, Timing timing) {
        this.connection = connection;
        this.statement = statement;
        this.change = change;
        this.timing = timing;
        this.search = new KeySearch(statement.tableName(), statement.key());
    }

    /** One batch, from the beginning of a place; empty when there is nothing. Throws what ends all trials. */
    Optional<Trial> batch(Place place, String started) throws SQLException {
        try {
            KeySearch.End end = search.find(connection, place.rest(), size());
            return end.keys() == 0 ? Optional.empty() : Optional.of(batch(place, end, started));
        } catch (SQLException e) {
            rollBack(e);
            ErrorClass error = SqlStates.classify(e);
            return Optional.of(new Failure(place.name(), ends(place.rest()), error, SqlStates.message(e)));
        }
    }

    private Sample batch(Place place, KeySearch.End end, String started) throws SQLException {
        KeyRange range = new KeyRange(place.rest().lower(), end.key());
        Looks looks = new Looks(connection, statement, range);
        if (!(statement.job().work() instanceof Work.Delete)) {
            looks.before(end.keys());
        }
        limit(Timeouts.of(statement.job().execution().errors(), WorkerSessions.deadlockTimeout(connection))
                .brisk());
        String run = Run.newId(timing.now().toEpochMilli());
        long wal = wal();
        long begun = timing.nanos();
        search.find(connection, place.rest(), size());
        long changed = change.make(
                connection, new Change.Request(run, new JobStatement.Batch(range, started, false), end.keys()));
        Statements.execute(connection, "SET CONSTRAINTS ALL IMMEDIATE");
        Sample.Cost cost = new Sample.Cost(timing.since(begun), wal() - wal);
        looks.after(started);
        connection.rollback();
        return new Sample(place.name(), end.keys(), changed, cost, looks.back());
    }

    /** Where a batch would be that did not go through. */
    private Optional<Trial.Ends> ends(KeyRange rest) throws SQLException {
        try {
            Key first = search.find(connection, rest, 1).key();
            return Optional.of(
                    new Trial.Ends(first, search.find(connection, rest, size()).key()));
        } catch (SQLException e) {
            rollBack(e);
            return Optional.empty();
        }
    }

    /** Throws the error itself when nothing more can be tried after it. */
    private void rollBack(SQLException error) throws SQLException {
        try {
            connection.rollback();
        } catch (SQLException e) {
            error.addSuppressed(e);
            throw error;
        }
        if (isEnd(error)) {
            throw error;
        }
    }

    /** Whether nothing more can be learned after an error, by the connection it came over. */
    static boolean isEnd(SQLException error) {
        return END.contains(SqlStates.classify(error));
    }

    private void limit(Duration statementTimeout) throws SQLException {
        Statements.execute(connection, "SET LOCAL statement_timeout = " + statementTimeout.toMillis());
    }

    private long wal() throws SQLException {
        return Statements.queryLong(connection, SqlFragment.of(WAL));
    }

    private int size() {
        return statement.job().execution().batch().size();
    }
}
