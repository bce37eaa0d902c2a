package dev.backfill.orchestrator.slicing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.batch.Statements;
import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Passes;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.SliceStore;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumns;
import dev.backfill.orchestrator.sql.KeyRange;
import dev.backfill.orchestrator.sql.KeyRange.Lower;
import dev.backfill.orchestrator.sql.SqlFragment;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranges of random tables, cut into slices, and these cut again under their workers: every row is in exactly one. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SlicesTest {

    private static final int CASES = 3;
    private static final int LEAST = 50;

    /** A table's key, a value of it made of i, and what a job says of it. */
    enum Shape {
        INTEGER("k int PRIMARY KEY", "i * 7 - 9000", "by: id", "-5000", "12000"),
        SKEWED(
                "k bigint PRIMARY KEY",
                "CASE WHEN i < 900 THEN i ELSE 4e18::bigint + i END",
                "by: id",
                "100",
                "4000000000000001800"),
        TEXT("k text PRIMARY KEY", "md5(i::text)", "by: id", "\"4\"", "\"c8\""),
        LANGUAGE(
                "k text COLLATE \"und-x-icu\" PRIMARY KEY",
                "CASE i % 2 WHEN 0 THEN upper(md5(i::text)) ELSE md5(i::text) END",
                "by: id",
                "\"a\"",
                "\"E\""),
        UUID(
                "k uuid PRIMARY KEY",
                "md5(i::text)::uuid",
                "by: id",
                "\"40000000-0000-0000-0000-000000000000\"",
                "\"c0000000-0000-0000-0000-000000000000\""),
        TIME(
                "k timestamptz, id int PRIMARY KEY",
                "CASE WHEN i % 9 = 0 THEN NULL WHEN i > 2500 THEN '2026-02-01' ELSE '2026-01-01'::timestamptz + i / 5 * interval '1 h' END, i",
                "by: time, column: k",
                "\"2026-01-05\"",
                "\"2026-03-01\""),
        ALL_TIMES(
                "k timestamptz PRIMARY KEY",
                "CASE i WHEN 1 THEN '4713-01-01 00:00+00 BC' WHEN 2 THEN '294276-12-31 23:59:59.999999+00'"
                        + " ELSE '2026-01-01'::timestamptz + i * interval '1 h' END",
                "by: time, column: k",
                "\"2026-01-05\"",
                "\"2026-03-01\""),
        ALL_NUMBERS(
                "k numeric PRIMARY KEY",
                "CASE i WHEN 1 THEN -9.9e131071 WHEN 2 THEN 9.9e131071 ELSE i END",
                "by: id, column: k",
                "100",
                "2000"),
        COMPOSITE("k int, id int, PRIMARY KEY (k, id)", "i / 1500, i", "by: id", "1", "2"),
        TENANT("k int, id text, PRIMARY KEY (k, id)", "1, md5(i::text)", "by: id", "0", "9");

        private final String columns;
        private final String values;
        private final String range;
        private final String from;
        private final String to;

        Shape(String columns, String values, String range, String from, String to) {
            this.columns = columns;
            this.values = values;
            this.range = range;
            this.from = from;
            this.to = to;
        }
    }

    private TestStores stores;
    private Connection connection;
    private int runs;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        connection = stores.server().connect();
    }

    @AfterAll
    void drop() throws SQLException {
        connection.close();
        stores.close();
    }

    @ParameterizedTest
    @EnumSource
    void every_row_of_the_range_is_in_exactly_one_slice(Shape shape) throws Exception {
        Random random = Seed.random(shape + " slices");
        int cuts = 0;
        for (int i = 0; i < CASES; i++) {
            cuts += check(shape, random, i % 2 == 0);
        }
        assertThat(cuts).as("slices that were cut under their workers").isGreaterThanOrEqualTo(CASES);
    }

    /** A value that many rows share is one slice at first, so those with such are not among them. */
    @ParameterizedTest
    @EnumSource(names = {"INTEGER", "SKEWED", "TEXT", "LANGUAGE", "UUID", "ALL_TIMES", "ALL_NUMBERS"})
    void with_fresh_statistics_no_slice_has_more_than_twice_the_rows_of_the_mean(Shape shape) throws Exception {
        int rows = 20_000;
        stores.clear();
        stores.server()
                .execute(
                        "DROP TABLE IF EXISTS t",
                        "CREATE TABLE t (" + shape.columns + ", visits int NOT NULL DEFAULT 0)",
                        "INSERT INTO t SELECT " + shape.values + " FROM generate_series(1, " + rows + ") AS i",
                        "ANALYZE t");
        for (String order : List.of("asc", "desc")) {
            JobStatement statement = statement(job("{ " + shape.range + ", order: " + order + " }", 4));
            Slicer slicer = new Slicer(statement);
            FrozenRange range = slicer.freeze(connection);
            List<Bounds> slices = slicer.cut(connection, range, slicer.estimate(connection, range));

            assertThat(slices).as("%s", range).hasSize(16);
            for (Bounds slice : slices) {
                Lower lower = slice.from().<Lower>map(KeyRange.After::new).orElse(slicer.beginning(range));
                assertThat(count(new KeyRange(lower, slice.to()), statement))
                        .as("rows of %s", slice)
                        .isLessThanOrEqualTo(2L * rows / slices.size());
            }
        }
    }

    private long count(KeyRange range, JobStatement statement) throws SQLException {
        return Statements.queryLong(
                connection,
                SqlFragment.builder()
                        .code("SELECT count(*) FROM t WHERE ")
                        .add(range.predicate(statement.key(), Optional.empty()))
                        .build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"lo", "hi", "middle", "ends"})
    void a_slice_is_cut_whatever_its_column_is_called(String column) throws Exception {
        stores.clear();
        stores.server()
                .execute(
                        "DROP TABLE IF EXISTS t",
                        "CREATE TABLE t (" + column + " int PRIMARY KEY, visits int NOT NULL DEFAULT 0)",
                        "INSERT INTO t SELECT i FROM generate_series(1, 1000) AS i");
        LoadedJob job = job("{ by: id }", Seed.random(column));
        JobStatement statement = statement(job);
        FrozenRange range = new Slicer(statement).freeze(connection);
        String run = begin(job, range, new Slicer(statement).cut(connection, range, 1000));
        stores.server().execute("UPDATE backfill.slice SET lease_until = now() + interval '1 hour', state = 'RUNNING'");

        assertThat(new LiveSplitter(statement, new SliceStore(stores.database()), LEAST)
                        .split(connection, run, range, 64))
                .isTrue();
        assertThat(bounds(run)).extracting(Bounds::to).containsExactlyInAnyOrder(Key.of("500"), Key.of("1000"));
    }

    private int check(Shape shape, Random random, boolean down) throws Exception {
        int rows = 3000 + random.nextInt(1500);
        stores.clear();
        stores.server()
                .execute(
                        "DROP TABLE IF EXISTS t",
                        "CREATE TABLE t (" + shape.columns + ", visits int NOT NULL DEFAULT 0)",
                        "INSERT INTO t SELECT " + shape.values + " FROM generate_series(1, " + rows + ") AS i",
                        "CREATE INDEX ON t " + (shape == Shape.TIME ? "(k, id)" : "(k)"),
                        shape == Shape.LANGUAGE || random.nextBoolean() ? "ANALYZE t" : "SELECT");
        String from = random.nextInt(3) == 0 ? ", from: " + shape.from : "";
        String to = random.nextInt(3) == 0 ? ", to: " + shape.to : "";
        if (!from.isEmpty() || !to.isEmpty()) {
            stores.server().execute("DELETE FROM t WHERE k IS NULL"); // they belong to no range with an end
        }
        LoadedJob job = job("{ " + shape.range + from + to + ", order: " + (down ? "desc" : "asc") + " }", random);
        JobStatement statement = statement(job);
        Slicer slicer = new Slicer(statement);
        FrozenRange range = slicer.freeze(connection);
        List<Bounds> slices = slicer.cut(connection, range, slicer.estimate(connection, range));
        String inside = inside(from, to);

        assertContiguous(slices, range, statement);
        assertCovered(slices, slicer.beginning(range), statement, inside);
        if (from.isEmpty() && to.isEmpty()) { // else nothing may be known of the number of rows
            assertThat(slices).as("slices of %s", range).hasSizeGreaterThan(1);
        }

        String run = begin(job, range, slices);
        work(slices, slicer.beginning(range), statement, random);
        LiveSplitter splitter = new LiveSplitter(statement, new SliceStore(stores.database()), LEAST);
        int cuts = 0;
        while (cuts < 5 && splitter.split(connection, run, range, 64)) {
            cuts++;
        }
        List<Bounds> after = bounds(run);
        assertThat(after).hasSize(slices.size() + cuts);
        assertCovered(after, slicer.beginning(range), statement, inside);
        return cuts;
    }

    /** One begins behind the last key of the one before; the first has no such key, and the last ends the range. */
    private static void assertContiguous(List<Bounds> slices, FrozenRange range, JobStatement statement) {
        Optional<Key> before = Optional.empty();
        for (Bounds slice : slices) {
            assertThat(slice.from()).isEqualTo(slice.to().isNull() ? Optional.of(Key.NULLS) : before);
            before = Optional.of(slice.to());
        }
        Optional<Key> last = new Slicer(statement).rows(range).map(KeyRange::upTo);
        assertThat(before).isEqualTo(range.nulls().isPresent() ? range.nulls() : last);
    }

    private void assertCovered(List<Bounds> slices, Lower beginning, JobStatement statement, String inside)
            throws SQLException {
        stores.server().execute("UPDATE t SET visits = 0");
        for (Bounds slice : slices) {
            Lower lower = slice.from().<Lower>map(KeyRange.After::new).orElse(beginning);
            SqlFragment visit = SqlFragment.builder()
                    .code("UPDATE t SET visits = visits + 1 WHERE ")
                    .add(new KeyRange(lower, slice.to()).predicate(statement.key(), Optional.empty()))
                    .build();
            try (var update = Statements.prepare(connection, visit)) {
                update.executeUpdate();
            }
        }
        assertThat(stores.server().queryStrings("SELECT DISTINCT visits || ' ' || " + inside + " FROM t"))
                .isSubsetOf("0 false", "1 true");
    }

    private static String inside(String from, String to) {
        String lower = from.isEmpty() ? "" : " AND k >= '" + value(from) + "'";
        String upper = to.isEmpty() ? "" : " AND k < '" + value(to) + "'";
        return from.isEmpty() && to.isEmpty() ? "true" : "(k IS NOT NULL" + lower + upper + ")";
    }

    private static String value(String written) {
        return written.substring(written.indexOf(": ") + 2).replace("\"", "");
    }

    /** Makes some slices their workers', the first among them, each somewhere on its way. */
    private void work(List<Bounds> slices, Lower beginning, JobStatement statement, Random random) throws SQLException {
        for (int number = 1; number <= slices.size(); number++) {
            Bounds slice = slices.get(number - 1);
            Lower lower = slice.from().<Lower>map(KeyRange.After::new).orElse(beginning);
            List<Key> keys = new ArrayList<>(Statements.keys(
                    connection,
                    SqlFragment.builder()
                            .code("SELECT " + statement.key().select() + " FROM t WHERE ")
                            .add(new KeyRange(lower, slice.to()).predicate(statement.key(), Optional.empty()))
                            .code(KeyColumns.orderBy(
                                    statement.key().columns(), statement.key().order()))
                            .build()));
            if (keys.isEmpty() || (number > 1 && random.nextInt(3) == 0)) {
                continue;
            }
            Optional<Key> at = random.nextBoolean() ? Optional.empty() : Optional.of(keys.get(keys.size() / 4));
            String checkpoint = at.map(key -> "to_jsonb(ARRAY['" + String.join("','", key.parts()) + "'])")
                    .orElse("NULL");
            stores.server()
                    .execute(
                            "UPDATE backfill.slice SET lease_until = now() + interval '1 hour', state = 'RUNNING', checkpoint = "
                                    + (slice.to().isNull() ? "NULL" : checkpoint) + " WHERE number = " + number);
        }
    }

    private String begin(LoadedJob job, FrozenRange range, List<Bounds> slices) {
        stores.jobs().register(job, "api", TestStores.WHO);
        String run = "run-" + ++runs;
        stores.queue().insert(NewRun.foreground(run, "fill", 1));
        Passes.Plan plan = new Passes.Plan(range, slices, new Passes.Rows(0, Optional.empty()));
        assertThat(stores.transitions()
                        .passes()
                        .begin(stores.runs().find(run), plan, new Run.TableWish(1, 1, false, List.of("k"))))
                .isTrue();
        return run;
    }

    private List<Bounds> bounds(String run) throws SQLException {
        stores.server().execute("UPDATE backfill.slice SET lease_until = now() + interval '1 hour', state = 'RUNNING'");
        return new SliceStore(stores.database())
                .working(run).stream().map(SliceStore.Working::bounds).toList();
    }

    private JobStatement statement(LoadedJob job) throws SQLException {
        try (Connection checking = stores.server().connect()) {
            checking.setAutoCommit(false);
            LiveCheck.Result result = LiveCheck.check(job, checking);
            assertThat(result).isInstanceOf(LiveCheck.Accepted.class);
            return ((LiveCheck.Accepted) result).statement();
        }
    }

    private static LoadedJob job(String range, Random random) {
        return job(range, 2 + random.nextInt(15));
    }

    private static LoadedJob job(String range, int parallelism) {
        String yaml = """
                version: 1
                job: fill
                table: t
                range: %s
                sql: UPDATE t SET visits = visits WHERE :range
                verify: none
                parallelism: %d
                """.formatted(range, parallelism);
        var content = TestJobs.FILES.read("job.yaml", yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(content.problems()).isEmpty();
        return content.jobs().get(0);
    }
}
