package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.dryrun.Trial.Sample;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.SqlFragment;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is seen of one batch: before its change, after it, and after that was rolled back. What takes long is left unseen, for
 * others wait for the rows meanwhile. Used once.
 */
final class Looks {

    private static final long MOST_KEYS = 100_000;
    private static final String BRIEFLY = "SET LOCAL statement_timeout = '500ms'";
    private static final String LOCKS = """
            SELECT l.mode || ' on ' || l.relation::regclass
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
            WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
              AND c.relnamespace <> 'pg_catalog'::regnamespace AND l.mode <> 'AccessShareLock'
            ORDER BY c.relkind <> 'r', 1
            """;
    private static final String STAYING = "whether its keys stay";

    private final Connection connection;
    private final JobStatement statement;
    private final KeyRange range;
    private final List<String> unseen = new ArrayList<>();
    private Optional<List<Key>> before = Optional.empty();
    private Optional<List<Key>> after = Optional.empty();
    private long remaining;
    private List<String> locks = List.of();

    Looks(Connection connection, JobStatement statement, KeyRange range) {
        this.connection = connection;
        this.statement = statement;
        this.range = range;
    }

    /** Before the change, of which it is to be seen whether it lets its keys stay. */
    void before(long count) throws SQLException {
        if (count > MOST_KEYS) {
            unseen.add(STAYING + ", for they are more than 100,000");
        } else {
            before = Optional.of(keys());
        }
    }

    /** After the change, inside of its transaction. */
    void after(String started) throws SQLException {
        Statements.execute(connection, BRIEFLY);
        if (before.isPresent()) {
            after = look(STAYING, this::keys);
        }
        Optional<SqlFragment> left = statement.remaining(range, started);
        if (left.isPresent()) {
            remaining = look(
                            "whether its rows still meet `remaining`",
                            () -> Statements.queryLong(connection, left.get()))
                    .orElse(0L);
        }
        locks = look("its locks", this::locks).orElse(List.of());
    }

    /**
     * After the change was rolled back: only a key that is there again was taken away by the change. Others may delete rows
     * meanwhile.
     */
    Sample.After back() throws SQLException {
        List<Key> gone = List.of();
        if (before.isPresent() && after.isPresent()) {
            Statements.execute(connection, BRIEFLY);
            gone = look(STAYING, this::keys)
                    .map(now -> gone(before.get(), after.get(), now))
                    .orElse(List.of());
        }
        return new Sample.After(gone, remaining, locks, unseen);
    }

    /** As often as a key was there before and is there again, but was not there after the change. */
    static List<Key> gone(List<Key> before, List<Key> after, List<Key> again) {
        Map<Key, Integer> kept = counts(after);
        Map<Key, Integer> there = counts(again);
        List<Key> gone = new ArrayList<>();
        for (Key key : before) {
            if (takeOne(there, key) && !takeOne(kept, key)) {
                gone.add(key);
            }
        }
        return gone;
    }

    private static Map<Key, Integer> counts(List<Key> keys) {
        Map<Key, Integer> counts = new HashMap<>();
        keys.forEach(key -> counts.merge(key, 1, Integer::sum));
        return counts;
    }

    private static boolean takeOne(Map<Key, Integer> counts, Key key) {
        int count = counts.getOrDefault(key, 0);
        counts.put(key, Math.max(0, count - 1));
        return count > 0;
    }

    private interface Look<T> {
        T look() throws SQLException;
    }

    /** What cannot be seen in time, or at all, keeps nothing else from being seen. */
    private <T> Optional<T> look(String what, Look<T> look) throws SQLException {
        Savepoint savepoint = connection.setSavepoint();
        try {
            T seen = look.look();
            connection.releaseSavepoint(savepoint);
            return Optional.of(seen);
        } catch (SQLException e) {
            if (Sampler.isEnd(e)) {
                throw e;
            }
            connection.rollback(savepoint);
            unseen.add(what + ": " + SqlStates.message(e));
            return Optional.empty();
        }
    }

    private List<Key> keys() throws SQLException {
        return Statements.keys(
                connection,
                SqlFragment.builder()
                        .code("SELECT " + statement.key().select() + " FROM ")
                        .code(statement.tableName())
                        .code(" AS t WHERE ")
                        .add(range.predicate(statement.key(), Optional.empty()))
                        .build());
    }

    private List<String> locks() throws SQLException {
        return Statements.keys(connection, SqlFragment.of(LOCKS)).stream()
                .map(Key::first)
                .map(String::valueOf)
                .toList();
    }
}
