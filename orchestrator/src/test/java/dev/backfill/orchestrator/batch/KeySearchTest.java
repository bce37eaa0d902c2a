package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.batch.KeySearch.End;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyOrder;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.After;
import dev.backfill.orchestrator.sql.KeyRange.At;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.KeyRange.Start;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeySearchTest {

    private static final KeyColumn ID = new KeyColumn("id", "bigint", false);
    private static final KeyColumn AT = new KeyColumn("at", "timestamp with time zone", true);
    private static final KeyColumns BY_ID = new KeyColumns(List.of(ID), true, true);
    private static final KeyColumns BY_TIME = new KeyColumns(List.of(AT, ID), true, true);
    private static final KeyColumns BY_TIME_WITHOUT_INDEX = new KeyColumns(List.of(AT, ID), true, false);
    private static final KeyColumns BY_TIME_WITHOUT_KEY = new KeyColumns(List.of(AT), false, true);

    private TestDatabase database;
    private Connection connection;

    @BeforeAll
    void connect() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        connection = database.connect();
    }

    @AfterAll
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void keys_are_counted_as_numbers_and_not_as_text() throws SQLException {
        table("SELECT i * 3, NULL FROM generate_series(1, 50) AS i");
        KeyRange all = new KeyRange(new Start(), Key.of("150"));

        assertThat(find(BY_ID, all, 5)).isEqualTo(new End(Key.of("15"), 5));
        assertThat(find(BY_ID, new KeyRange(new After(Key.of("15")), Key.of("150")), 30))
                .isEqualTo(new End(Key.of("105"), 30));
        assertThat(find(BY_ID, new KeyRange(new After(Key.of("16")), Key.of("150")), 1))
                .isEqualTo(new End(Key.of("18"), 1));
        assertThat(find(BY_ID, new KeyRange(new At(Key.of("18")), Key.of("150")), 1))
                .isEqualTo(new End(Key.of("18"), 1));
    }

    @Test
    void the_last_batch_ends_where_the_range_ends_although_no_row_is_there() throws SQLException {
        table("SELECT i, NULL FROM generate_series(1, 10) AS i");

        assertThat(find(BY_ID, new KeyRange(new After(Key.of("8")), Key.of("99")), 5))
                .isEqualTo(new End(Key.of("99"), 2));
        assertThat(find(BY_ID, new KeyRange(new After(Key.of("10")), Key.of("99")), 5))
                .isEqualTo(new End(Key.of("99"), 0));
        assertThat(find(BY_ID, new KeyRange(new Start(), Key.of("10")), 10)).isEqualTo(new End(Key.of("10"), 10));
    }

    @Test
    void a_group_of_equal_times_is_cut_by_one_index_over_both_columns() throws SQLException {
        table("SELECT i, '2026-01-01 00:00:00+00' FROM generate_series(1, 30) AS i");
        KeyRange all = new KeyRange(new Start(), time("2026-01-01 00:00:00+00", "30"));

        assertThat(find(BY_TIME, all, 12)).isEqualTo(new End(time("2026-01-01 00:00:00+00", "12"), 12));
    }

    @Test
    void a_group_larger_than_a_batch_is_entered_and_small_groups_are_taken_whole() throws SQLException {
        table("SELECT i, CASE WHEN i <= 4 THEN timestamptz '2026-01-01 00:00:00+00' WHEN i <= 34"
                + " THEN '2026-01-02 00:00:00+00' ELSE '2026-01-03 00:00:00+00' END FROM generate_series(1, 36) AS i");
        Key end = time("2026-01-03 00:00:00+00", "36");
        KeyRange all = new KeyRange(new Start(), end);

        End first = find(BY_TIME_WITHOUT_INDEX, all, 10);
        End second = find(BY_TIME_WITHOUT_INDEX, new KeyRange(new After(first.key()), end), 10);
        End third = find(BY_TIME_WITHOUT_INDEX, new KeyRange(new After(second.key()), end), 10);

        assertThat(first).isEqualTo(new End(Key.of("2026-01-01 00:00:00+00"), 4));
        assertThat(second).isEqualTo(new End(time("2026-01-02 00:00:00+00", "14"), 10));
        assertThat(third).isEqualTo(new End(time("2026-01-02 00:00:00+00", "24"), 10));
    }

    @Test
    void without_a_primary_key_a_group_is_one_batch_however_large() throws SQLException {
        table("SELECT i, '2026-01-01 00:00:00+00' FROM generate_series(1, 30) AS i");

        assertThat(find(BY_TIME_WITHOUT_KEY, new KeyRange(new Start(), Key.of("2026-01-01 00:00:00+00")), 10))
                .isEqualTo(new End(Key.of("2026-01-01 00:00:00+00"), 30));
    }

    @Test
    void a_slice_that_ends_inside_of_a_group_ends_there_in_the_order_of_its_own_collation() throws SQLException {
        database.execute(
                "DROP TABLE IF EXISTS t",
                "CREATE TABLE t (k int, id text COLLATE \"und-x-icu\" PRIMARY KEY, visits int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT 1, c || i FROM unnest(ARRAY['a', 'B', 'c', 'D']) AS c, generate_series(10, 19) AS i",
                "CREATE INDEX ON t (k)");
        List<KeyColumn> columns = List.of(new KeyColumn("k", "integer", false), new KeyColumn("id", "text", false));
        for (KeyOrder order : KeyOrder.values()) {
            KeyColumns key = new KeyColumns(columns, true, false, order);
            Key middle = new Key(List.of("1", "B19"));
            Lower from = order == KeyOrder.ASC ? new Start() : new At(new Key(List.of("1", "D19")));
            database.execute("UPDATE t SET visits = 0");

            assertThat(visit(key, new KeyRange(from, middle), new Random(1)))
                    .isEqualTo(order == KeyOrder.ASC ? 20 : 21);
            assertThat(find(key, new KeyRange(from, middle), 3).keys()).isEqualTo(3);
            assertThat(database.queryLong("SELECT count(*) FROM t WHERE visits = 1 AND (k, id) "
                            + (order == KeyOrder.ASC ? "<=" : ">=") + " (1, 'B19')"))
                    .isEqualTo(order == KeyOrder.ASC ? 20 : 21);
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void walking_by_key_visits_every_row_once(long seed) throws SQLException {
        randomTable(new Random(seed));
        walk(BY_ID, new Random(seed));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void walking_by_time_visits_every_row_once(long seed) throws SQLException {
        randomTable(new Random(seed));
        database.execute("CREATE INDEX ON t (at, id)");
        walk(BY_TIME, new Random(seed));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void walking_by_time_without_an_index_for_the_key_visits_every_row_once(long seed) throws SQLException {
        randomTable(new Random(seed));
        walk(BY_TIME_WITHOUT_INDEX, new Random(seed));
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void walking_by_time_without_a_primary_key_visits_every_row_once(long seed) throws SQLException {
        randomTable(new Random(seed));
        walk(BY_TIME_WITHOUT_KEY, new Random(seed));
    }

    /** Values that are equal and yet not the same as text make one group. */
    @ParameterizedTest
    @MethodSource("seeds")
    void walking_by_values_that_are_equal_but_written_differently_visits_every_row_once(long seed) throws SQLException {
        database.execute(
                "DROP TABLE IF EXISTS t",
                "CREATE COLLATION IF NOT EXISTS any_case"
                        + " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE TABLE t (id bigint PRIMARY KEY, number numeric, word text COLLATE any_case,"
                        + " visits int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT i, round(v, i % 3), substr('xXyY', i % 2 + v % 2 * 2 + 1, 1)"
                        + " FROM (SELECT i, abs(hashint4(i + " + seed
                        + ")) % 4 AS v FROM generate_series(1, 100) AS i) AS r",
                "CREATE INDEX ON t (number)",
                "CREATE INDEX ON t (word)");
        for (KeyColumn column :
                List.of(new KeyColumn("number", "numeric", true), new KeyColumn("word", "text", true))) {
            database.execute("UPDATE t SET visits = 0");
            walk(new KeyColumns(List.of(column, ID), true, false), new Random(seed));
        }
    }

    static LongStream seeds() {
        return Seed.random("walks").longs(8, 0, 1_000_000);
    }

    /** Goes up and down, each time over every row. */
    private void walk(KeyColumns key, Random random) throws SQLException {
        walkOneWay(key, random);
        database.execute("UPDATE t SET visits = 0");
        walkOneWay(new KeyColumns(key.columns(), key.unique(), key.indexed(), KeyOrder.DESC), random);
    }

    /** Goes from the first key to the last, in slices at random keys, and then over the NULLs. */
    private void walkOneWay(KeyColumns key, Random random) throws SQLException {
        long rows = database.queryLong("SELECT count(*) FROM t");
        String first = key.first().quoted();
        List<Key> keys = keys(key, "t." + first + " IS NOT NULL" + KeyColumns.orderBy(key.columns(), key.order()));
        long scanned = 0;
        boolean up = key.order() == KeyOrder.ASC || keys.isEmpty();
        Lower from = up ? new Start() : new At(keys.get(0));
        for (int cut = 0; cut < 3 && !keys.isEmpty(); cut++) {
            Key end = keys.get(random.nextInt(keys.size()));
            KeyRange slice = new KeyRange(from, cut == 1 ? Key.of(String.valueOf(end.first())) : end);
            if (rowsBefore(key, slice) > 0) {
                scanned += visit(key, slice, random);
                from = new After(slice.upTo());
            }
        }
        if (!keys.isEmpty()) {
            scanned += visit(key, new KeyRange(from, keys.get(keys.size() - 1)), random);
        }
        List<Key> nulls = keys(key, "t." + first + " IS NULL" + KeyColumns.orderBy(key.columns(), KeyOrder.ASC));
        if (!nulls.isEmpty()) {
            scanned += visit(key, new KeyRange(new After(Key.NULLS), nulls.get(nulls.size() - 1)), random);
        }
        assertThat(database.queryStrings("SELECT visits || ' times: ' || count(*) FROM t GROUP BY visits"))
                .isEqualTo(rows == 0 ? List.of() : List.of("1 times: " + rows));
        assertThat(scanned).isEqualTo(rows);
    }

    private long rowsBefore(KeyColumns key, KeyRange range) throws SQLException {
        return new KeySearch("t", key).count(connection, range);
    }

    private long visit(KeyColumns key, KeyRange range, Random random) throws SQLException {
        long keys = 0;
        Lower from = range.lower();
        while (true) {
            End end = find(key, new KeyRange(from, range.upTo()), 1 + random.nextInt(9));
            KeyRange batch = new KeyRange(from, end.key());
            assertThat(change(key, batch)).as("rows of %s", batch).isEqualTo(end.keys());
            keys += end.keys();
            if (end.key().equals(range.upTo())) {
                return keys;
            }
            from = new After(end.key());
        }
    }

    private long change(KeyColumns key, KeyRange batch) throws SQLException {
        SqlFragment update = SqlFragment.builder()
                .code("UPDATE t SET visits = visits + 1 WHERE ")
                .add(batch.predicate(key, Optional.empty()))
                .build();
        try (var statement = Statements.prepare(connection, update)) {
            return statement.executeUpdate();
        }
    }

    private List<Key> keys(KeyColumns key, String where) throws SQLException {
        List<Key> keys = new ArrayList<>();
        try (var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT " + key.select() + " FROM t WHERE " + where)) {
            while (row.next()) {
                keys.add(Statements.key(row));
            }
        }
        return keys;
    }

    private void randomTable(Random random) throws SQLException {
        int rows = random.nextInt(200);
        int times = 1 + random.nextInt(12);
        table(String.format(
                Locale.ROOT,
                "SELECT i * %d - %d, CASE WHEN hashint4(i + %d) %% 7 = 0 THEN NULL"
                        + " ELSE timestamptz '2026-01-01' + (hashint4(i) %% %d) * interval '13 h' END"
                        + " FROM generate_series(1, %d) AS i",
                1 + random.nextInt(40),
                random.nextInt(300),
                random.nextInt(100),
                times,
                rows));
    }

    private void table(String rows) throws SQLException {
        database.execute(
                "DROP TABLE IF EXISTS t",
                "CREATE TABLE t (id bigint PRIMARY KEY, at timestamptz, visits int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT id, at::timestamptz FROM (" + rows + ") AS r(id, at)",
                "CREATE INDEX ON t (at)");
    }

    private End find(KeyColumns key, KeyRange range, int size) throws SQLException {
        return new KeySearch("t", key).find(connection, range, size);
    }

    private static Key time(String at, String id) {
        return new Key(List.of(at, id));
    }
}
