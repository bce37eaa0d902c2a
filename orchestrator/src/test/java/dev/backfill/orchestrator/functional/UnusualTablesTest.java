package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables, settings and jobs that once came out wrong. */
class UnusualTablesTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void an_update_that_does_not_end_its_own_condition_is_made_once_and_fails() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL)");
        database.execute("INSERT INTO c SELECT g, 0 FROM generate_series(1, 5000) AS g");

        String said = run("update: { set: { n: n + 1 }, where: n >= 0 }", 1);

        assertThat(said).contains("5000 rows still meet `remaining`, the first at 1, 2, 3, 4, 5");
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1")).isZero();
    }

    @Test
    void a_float_key_keeps_its_last_digit_whatever_the_database_says() throws Exception {
        database.execute("CREATE TABLE c (id float8 PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g + 0.4 FROM generate_series(1, 3000) AS g");
        database.execute("ALTER DATABASE " + database.name() + " SET extra_float_digits = -12");

        run("update: { set: { n: n + 1 }, where: n = 0 }", 0);

        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1")).isZero();
    }

    /** As long as an index takes it. */
    @Test
    void a_long_key_can_be_set_aside() throws Exception {
        database.execute("CREATE TABLE c (id text PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute(
                "INSERT INTO c SELECT (SELECT string_agg(md5((g * 100 + i)::text), '') FROM generate_series(1, 84) AS i)"
                        + " FROM generate_series(1, 20) AS g",
                "ALTER TABLE c ADD CHECK (n = 0 OR id < 'c')");
        long faulty = database.queryLong("SELECT count(*) FROM c WHERE id >= 'c'");

        run("update: { set: { n: n + 1 }, where: n = 0 }\nerrors: { quarantine: 20 }", 1);

        assertThat(faulty).isBetween(1L, 19L);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isEqualTo(20 - faulty);
        assertThat(database.queryStrings("SELECT DISTINCT length(key->>0) FROM backfill.quarantine"))
                .containsExactly("2688");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isEqualTo(faulty);
    }

    @Test
    void an_array_may_be_a_key() throws Exception {
        database.execute("CREATE TABLE c (id int[] PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT ARRAY[g % 7, g] FROM generate_series(1, 5000) AS g", "ANALYZE c");

        run("update: { set: { n: n + 1 }, where: n = 0 }", 0);

        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1")).isZero();
    }

    @Test
    void own_tables_that_were_made_by_hand_are_taken_over() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, 100) AS g");
        database.execute(SchemaMigrator.script("backfill"));

        run("update: { set: { n: 1 }, where: n = 0 }", 0);

        assertThat(database.queryStrings("SELECT version FROM backfill.schema_history"))
                .containsExactly("7");
    }

    @Test
    void own_tables_of_the_first_version_are_brought_up_to_date_with_what_is_in_them() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, 100) AS g");
        String script = SchemaMigrator.script("backfill");
        database.execute(script.substring(0, script.indexOf("-- What the daemon needs")));
        database.execute("INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by)"
                + " VALUES ('old', 1, '{}', 'sum', 'file', 'test')");

        run("update: { set: { n: 1 }, where: n = 0 }", 0);

        assertThat(database.queryStrings("SELECT version FROM backfill.schema_history ORDER BY 1"))
                .containsExactly("1", "2", "3", "4", "5", "6", "7");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.job")).isEqualTo(2);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1")).isZero();
    }

    @Test
    void a_schema_of_somebody_elses_is_left_alone() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("CREATE SCHEMA backfill", "CREATE TABLE backfill.job (theirs int)");

        String said = run("update: { set: { n: 1 }, where: n = 0 }", 2);

        assertThat(said).contains("holds something else than the own tables");
        assertThat(database.queryStrings("SELECT relname FROM pg_class WHERE relnamespace = 'backfill'::regnamespace"))
                .containsExactly("job");
    }

    @ParameterizedTest
    @ValueSource(strings = {"timestamptz", "timestamp", "date"})
    void a_range_may_end_relative_to_the_start(String type) throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, at " + type + ", n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g, now() - g * interval '1 hour' FROM generate_series(1, 2000) AS g");
        database.execute("CREATE INDEX ON c (at, id)", "ALTER TABLE c ALTER at SET NOT NULL");
        String range =
                "{ by: time, column: at, from: \"now() - interval 'P60D'\", to: \"NOW() - INTERVAL '30 days'\" }";
        Path file = Files.writeString(directory.resolve("job.yaml"), """
                version: 1
                job: unusual
                table: c
                range: %s
                update: { set: { n: "1" }, where: n = 0 }
                """.formatted(range));

        CommandResult result = CommandResult.of("run", file.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isBetween(696L, 744L);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1 AND (at > now() - interval '29 days'"
                        + " OR at < now() - interval '61 days')"))
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM backfill.run WHERE CAST(\"range\"->>'from' AS timestamptz)"
                        + " BETWEEN now() - interval '61 days 1 hour' AND now() - interval '60 days'"))
                .isOne();
    }

    @Test
    void a_relative_end_that_makes_no_sense_is_refused_at_its_place() throws Exception {
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, at timestamptz NOT NULL, n int)", "CREATE INDEX ON c (at)");
        Path file = Files.writeString(directory.resolve("job.yaml"), """
                version: 1
                job: unusual
                table: c
                range:
                  by: time
                  column: at
                  from: now() - interval '1 day'
                  to: now() - interval '3 fortnights'
                update: { set: { n: "1" }, where: n = 0 }
                """);

        CommandResult result = CommandResult.of("validate", file.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).isEqualTo(2);
        assertThat(result.text()).contains("job.yaml:8:7: invalid input syntax for type interval: \"3 fortnights\"");
        Files.writeString(file, Files.readString(file).replace("3 fortnights", "2 days"));
        assertThat(CommandResult.of("validate", file.toString(), "--database", database.jdbcUrl())
                        .text())
                .contains("job.yaml:8:7: range.to must be greater than range.from");
    }

    @Test
    void how_many_rows_there_are_is_known_of_a_table_that_was_never_analyzed() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("ALTER TABLE c SET (autovacuum_enabled = false)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, 100000) AS g");

        run("update: { set: { n: 1 }, where: n = 0 }", 0);

        assertThat(database.queryLong("SELECT estimated_rows FROM backfill.run"))
                .isBetween(80_000L, 125_000L);
    }

    @Test
    void a_statement_that_reaches_beyond_its_rows_is_told_of() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, 3000) AS g");

        String said = run("sql: UPDATE c SET n = n + 1 WHERE :range OR true\nverify: none\nbatch: { max: 500 }", 0);

        assertThat(said).contains("warning: more rows were changed than scanned");
    }

    @Test
    void a_table_of_one_row_is_worked_like_any_other() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)", "INSERT INTO c VALUES (7)");

        String said = run("sql: UPDATE c SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }\nparallelism: 4", 0);

        assertThat(said).contains("proof: 0 rows left to do in the whole range");
        assertThat(database.queryStrings("SELECT id || ' ' || n FROM c")).containsExactly("7 1");
        assertThat(database.queryStrings("SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                .containsExactly("1 1");
    }

    @Test
    void the_start_of_the_run_is_the_same_in_every_batch_and_in_the_check() throws Exception {
        database.execute("CREATE TABLE c (id int PRIMARY KEY, at timestamptz NOT NULL, seen timestamptz)");
        database.execute("INSERT INTO c SELECT g, now() + CASE WHEN g % 3 = 0 THEN interval '1 h' ELSE '-1 h' END"
                + " FROM generate_series(1, 2000) AS g");
        String work =
                "update: { set: { seen: \":started\" }, where: \"at < :started AND seen IS DISTINCT FROM :started\" }";

        run(work + "\nbatch: { size: 100, min: 100, max: 100 }\nsession: { time-zone: Asia/Kathmandu }", 0);

        assertThat(database.queryLong("SELECT sum(batches) FROM backfill.slice"))
                .isGreaterThanOrEqualTo(20);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE id % 3 > 0 AND seen IS DISTINCT FROM"
                        + " (SELECT started FROM backfill.run) OR id % 3 = 0 AND seen IS NOT NULL"))
                .isZero();
    }

    @Test
    void digits_in_a_column_of_texts_are_texts() throws Exception {
        database.execute("CREATE TABLE c (id text PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, 100) AS g");
        Path file = Files.writeString(directory.resolve("job.yaml"), """
                version: 1
                job: unusual
                table: c
                range: { by: id, from: "10", to: "9" }
                update: { set: { n: "1" }, where: n = 0 }
                """);

        CommandResult result = CommandResult.of("run", file.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE (n = 1) <> (id >= '10' AND id < '9')"))
                .isZero();
    }

    private String run(String work, int exitCode) throws Exception {
        String job = "version: 1\njob: unusual\ntable: c\nrange: { by: id }\n" + work + "\n";
        Path file = Files.writeString(directory.resolve("job.yaml"), job);
        try (BackfillProcess process =
                BackfillProcess.start("run", file.toString(), "--database", database.jdbcUrl())) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(exitCode);
            return process.output() + process.errors();
        }
    }
}
