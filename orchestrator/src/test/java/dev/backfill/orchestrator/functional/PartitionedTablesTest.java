package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A partitioned table is a table: through slices, batches, a kill and the check, beside a twin changed by one UPDATE. */
class PartitionedTablesTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 20_000;
    private static final String QUICK = "UPDATE c SET n = n + 1 WHERE :range";
    private static final String SLOW = QUICK + " AND (SELECT pg_sleep(0.02)) IS NOT NULL";

    /** How the table is partitioned. */
    enum Kind {
        BY_RANGE(
                "{ by: id }",
                "id",
                "RANGE (id)",
                List.of(
                        "CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (MINVALUE) TO (500)",
                        "CREATE TABLE c2 PARTITION OF c FOR VALUES FROM (500) TO (15000)",
                        "CREATE TABLE c3 PARTITION OF c DEFAULT")),
        BY_HASH(
                "{ by: id }",
                "id",
                "HASH (id)",
                List.of(
                        "CREATE TABLE c1 PARTITION OF c FOR VALUES WITH (MODULUS 3, REMAINDER 0)",
                        "CREATE TABLE c2 PARTITION OF c FOR VALUES WITH (MODULUS 3, REMAINDER 1)",
                        "CREATE TABLE c3 PARTITION OF c FOR VALUES WITH (MODULUS 3, REMAINDER 2)")),
        BY_LIST(
                "{ by: id }",
                "id, region",
                "LIST (region)",
                List.of(
                        "CREATE TABLE c1 PARTITION OF c FOR VALUES IN ('eu', 'us')",
                        "CREATE TABLE c2 PARTITION OF c FOR VALUES IN ('ap')")),
        BY_TIME_OVER_LEVELS(
                "{ by: time, column: at }",
                "at, id",
                "RANGE (at)",
                List.of(
                        "CREATE TABLE c1 PARTITION OF c FOR VALUES FROM ('2026-01-01') TO ('2026-01-05') PARTITION BY HASH (id)",
                        "CREATE TABLE c11 PARTITION OF c1 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
                        "CREATE TABLE c12 PARTITION OF c1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
                        "CREATE TABLE c2 PARTITION OF c DEFAULT"));

        private final String range;
        private final String key;
        private final String by;
        private final List<String> partitions;

        Kind(String range, String key, String by, List<String> partitions) {
            this.range = range;
            this.key = key;
            this.by = by;
            this.partitions = partitions;
        }
    }

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void it_is_changed_like_its_twin(Kind kind) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database, kind);
            Path job = job(kind, SLOW);
            try (BackfillProcess process = runIn("Asia/Kathmandu", database, job)) {
                await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> batches(database) > 10);
                process.kill9();
                process.waitFor(PATIENCE);
            }

            try (BackfillProcess process = runIn("America/St_Johns", database, job)) {
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            }

            assertLikeItsTwin(database);
            assertThat(database.queryLong("SELECT count(*) FROM backfill.slice"))
                    .isGreaterThanOrEqualTo(3);
            assertThat(batches(database)).isGreaterThanOrEqualTo(20);
            assertThat(database.queryStrings(
                            "SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                    .containsExactly(ROWS + " " + ROWS);
        }
    }

    @Test
    void partitions_may_come_and_go_during_the_run() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database, Kind.BY_RANGE);
            database.execute(
                    "CREATE TABLE other (LIKE c INCLUDING ALL)",
                    "INSERT INTO other SELECT -i, 'eu', '2026-01-01', 1 FROM generate_series(1, 100) AS i",
                    "ALTER TABLE c DETACH PARTITION c1",
                    "CREATE TABLE c0 PARTITION OF c FOR VALUES FROM (0) TO (500)",
                    "INSERT INTO c SELECT * FROM c1",
                    "VACUUM ANALYZE c");
            Path job = job(Kind.BY_RANGE, SLOW);
            try (BackfillProcess process = run(database, job)) {
                await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> batches(database) > 5);
                database.execute(
                        "ALTER TABLE c ATTACH PARTITION other FOR VALUES FROM (MINVALUE) TO (0)",
                        "ALTER TABLE c DETACH PARTITION c3");

                assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            }
            assertThat(database.queryStrings("SELECT DISTINCT n FROM c")).containsExactly("1");
            assertThat(database.queryStrings("SELECT DISTINCT n FROM c3 WHERE n > 1"))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void every_server_does_it(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            create(database, Kind.BY_TIME_OVER_LEVELS);

            assertSucceeds(database, job(Kind.BY_TIME_OVER_LEVELS, QUICK));

            assertLikeItsTwin(database);
        }
    }

    static IntStream versions() {
        return TestPostgres.versions();
    }

    @Test
    void partitions_that_are_elsewhere_are_refused_by_name() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE FOREIGN DATA WRAPPER w",
                    "CREATE SERVER s FOREIGN DATA WRAPPER w",
                    "CREATE TABLE plain (id int, n int) PARTITION BY RANGE (id)",
                    "CREATE FOREIGN TABLE far PARTITION OF plain FOR VALUES FROM (0) TO (9) SERVER s",
                    "CREATE INDEX ON ONLY plain (id)");
            Path job = CountedTable.write(directory, """
                    version: 1
                    job: count
                    table: plain
                    range: { by: id, column: id }
                    update: { set: { n: "1" }, where: n IS NULL }
                    """);

            CommandResult result = CommandResult.of("validate", job.toString(), "--database", database.jdbcUrl());

            assertThat(result.exit()).isEqualTo(2);
            assertThat(result.text())
                    .contains("job.yaml:3:8: \"public\".\"plain\" has partitions in other databases: far");
        }
    }

    private static void create(TestDatabase database, Kind kind) throws Exception {
        database.execute(
                "CREATE TABLE c (id bigint, region text, at timestamptz, n int NOT NULL DEFAULT 0, PRIMARY KEY (%s))"
                                .formatted(kind.key)
                        + " PARTITION BY " + kind.by);
        database.execute(kind.partitions.toArray(String[]::new));
        database.execute(
                """
                INSERT INTO c SELECT i, (ARRAY['eu', 'us', 'ap'])[1 + i %% 3],
                    timestamptz '2026-01-01' + (i %% 97) * interval '2 hours', 0 FROM generate_series(1, %d) AS i
                """.formatted(ROWS),
                "CREATE TABLE twin AS SELECT * FROM c",
                "UPDATE twin SET n = n + 1",
                "VACUUM ANALYZE c");
    }

    private Path job(Kind kind, String sql) throws Exception {
        return CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: %s
                sql: "%s"
                verify: { remaining: n = 0 }
                parallelism: 2
                batch: { size: 200, min: 200, max: 500 }
                """.formatted(kind.range, sql));
    }

    private static BackfillProcess run(TestDatabase database, Path job) throws Exception {
        return BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl());
    }

    /** Which session time zone a process has must not matter to the next. */
    private BackfillProcess runIn(String zone, TestDatabase database, Path job) throws Exception {
        Path configuration =
                Files.writeString(directory.resolve("orchestrator.conf"), """
                databases.main { url = "%s", session.time-zone = "%s" }
                """.formatted(database.jdbcUrl(), zone));
        return BackfillProcess.start("run", job.toString(), "--config", configuration.toString());
    }

    private static void assertSucceeds(TestDatabase database, Path job) throws Exception {
        try (BackfillProcess process = run(database, job)) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
        }
    }

    private static void assertLikeItsTwin(TestDatabase database) throws Exception {
        assertThat(database.queryLong("SELECT count(*) FROM ((TABLE c EXCEPT ALL TABLE twin)"
                        + " UNION ALL (TABLE twin EXCEPT ALL TABLE c)) AS differing"))
                .isZero();
    }

    private static long batches(TestDatabase database) throws Exception {
        return database.queryLong("SELECT count(to_regclass('backfill.slice'))") == 0
                ? 0
                : database.queryLong("SELECT coalesce(sum(batches), 0) FROM backfill.slice");
    }
}
