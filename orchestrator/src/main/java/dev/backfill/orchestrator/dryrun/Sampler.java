package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.batch.KeySearch;
import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Tries batches and rolls them back; one session. */
final class Sampler {

    private static final String WAL =
            "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')";
    private static final String LOCKS = """
            SELECT l.mode || ' on ' || l.relation::regclass
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
            WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
              AND c.relnamespace <> 'pg_catalog'::regnamespace AND l.mode <> 'AccessShareLock'
            ORDER BY c.relkind <> 'r', 1
            """;

    private final Connection connection;
    private final JobStatement statement;
    private final Change change;
    private final Timing timing;

    Sampler(Connection connection, JobStatement statement, Change change, Timing timing) {
        this.connection = connection;
        this.statement = statement;
        this.change = change;
        this.timing = timing;
    }

    /** One batch, from the beginning of what is left of the range; empty when there is nothing. */
    Optional<Sample> batch(String place, KeyRange rest, String started) throws SQLException {
        KeySearch search = new KeySearch(statement.tableName(), statement.key());
        int size = statement.job().execution().batch().size();
        KeySearch.End end = search.find(connection, rest, size);
        if (end.keys() == 0) {
            return Optional.empty();
        }
        KeyRange range = new KeyRange(rest.lower(), end.key());
        try {
            List<Key> before = keys(range);
            long wal = number(WAL);
            long begun = timing.nanos();
            long changed = change.make(
                    connection,
                    new Change.Request("dry-run", new JobStatement.Batch(range, started, false), end.keys()));
            Duration took = timing.since(begun);
            Sample.Cost cost = new Sample.Cost(took, number(WAL) - wal);
            return Optional.of(new Sample(place, end.keys(), changed, cost, after(range, before, started)));
        } finally {
            connection.rollback();
        }
    }

    private Sample.After after(KeyRange range, List<Key> before, String started) throws SQLException {
        List<Key> moved = new ArrayList<>();
        if (!(statement.job().work() instanceof Work.Delete)) {
            Set<Key> now = new HashSet<>(keys(range));
            before.stream().filter(key -> !now.contains(key)).forEach(moved::add);
        }
        Optional<SqlFragment> remaining = statement.remaining(range, started);
        long left = remaining.isPresent() ? Statements.queryLong(connection, remaining.get()) : 0;
        List<String> locks = Statements.keys(connection, SqlFragment.of(LOCKS)).stream()
                .map(Key::first)
                .map(String::valueOf)
                .toList();
        return new Sample.After(moved, left, locks);
    }

    private List<Key> keys(KeyRange range) throws SQLException {
        return Statements.keys(
                connection,
                SqlFragment.builder()
                        .code("SELECT " + statement.key().select() + " FROM ")
                        .code(statement.tableName())
                        .code(" AS t WHERE ")
                        .add(range.predicate(statement.key(), Optional.empty()))
                        .build());
    }

    private long number(String sql) throws SQLException {
        return Statements.queryLong(connection, SqlFragment.of(sql));
    }
}
