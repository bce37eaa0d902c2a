package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows that are read, computed in Java and written back. */
class RowProcessorTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String COLUMNS = "\"In Put\" text, \"out\" varchar(40), bytes bytea";

    /** Every third has nothing to be read. */
    private static final String VALUES = "CASE g % 3 WHEN 0 THEN NULL WHEN 1 THEN 'it''s \\ ' || g ELSE '' END";

    private static final String WRONG = """
            SELECT count(*) FROM t WHERE "out" IS DISTINCT FROM reverse("In Put")
                OR bytes IS DISTINCT FROM set_byte('\\x00'::bytea, 0, nullif(length("In Put"), 0))
            """;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            id bigint PRIMARY KEY                              | g                                      | id
            "K 1" text, b date, PRIMARY KEY ("K 1", b)         | concat(chr(39), chr(92), chr(34), g % 7), date '2026-01-01' + g | time
            at timestamptz, PRIMARY KEY (at)                   | timestamptz '2026-10-25 00:00Z' + g * interval '1 minute' | time
            k numeric, UNIQUE (k)                              | nullif(g % 50, 3)::numeric + 0.5       | id
            id uuid PRIMARY KEY                                | gen_random_uuid()                      | id
            """)
    void each_row_gets_what_was_computed_of_it(String key, String keys, String by) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            String column =
                    key.startsWith("\"K 1\"") ? "column: ['\"K 1\"', b], " : key.startsWith("k ") ? "column: k, " : "";
            database.execute(
                    "CREATE TABLE t (" + key.replace("UNIQUE (k)", "x int") + ", " + COLUMNS + ")",
                    "INSERT INTO t SELECT %s%s, %s FROM generate_series(1, 1000) g"
                            .formatted(keys, key.startsWith("k ") ? ", g" : "", VALUES),
                    key.startsWith("k ") ? "CREATE INDEX ON t (k)" : "SELECT 1");

            CommandResult result = run(database, "{ by: " + (column.contains("K 1") ? "id" : by) + ", " + column + "}");

            assertThat(result.exit()).as(result.text()).isZero();
            assertThat(database.queryLong(WRONG)).isZero();
            assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                    .isEqualTo(667);
        }
    }

    @Test
    void a_row_that_another_changes_meanwhile_is_computed_again_and_one_that_it_has_done_is_left() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, " + COLUMNS + ")",
                    "INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 50) g",
                    "UPDATE t SET \"In Put\" = 'wait' WHERE id = 7");
            CompletableFuture<CommandResult> run =
                    CompletableFuture.supplyAsync(() -> unchecked(database, "{ by: id }"));
            await().atMost(PATIENCE).until(() -> Files.exists(directory.resolve("reached")));
            database.execute(
                    "UPDATE t SET \"In Put\" = 'new' WHERE id = 3",
                    "UPDATE t SET \"out\" = 'theirs' WHERE id = 4",
                    "DELETE FROM t WHERE id = 5");
            Files.writeString(directory.resolve("gate"), "");

            CommandResult result = run.get();
            assertThat(result.exit()).as(result.text()).isZero();
            assertThat(database.queryStrings("SELECT id || ' ' || \"out\" FROM t WHERE id BETWEEN 2 AND 7 ORDER BY id"))
                    .containsExactly("2 2x", "3 wen", "4 theirs", "6 6x", "7 tiaw");
            assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                    .isEqualTo(48);
        }
    }

    @Test
    void a_value_that_is_too_long_is_an_error_and_not_cut() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, " + COLUMNS.replace("40", "3") + ")",
                    "INSERT INTO t SELECT g, 'x' || g FROM generate_series(95, 105) g");
            CommandResult result = run(database, "{ by: id }");

            assertThat(result.exit()).as(result.text()).isEqualTo(3);
            assertThat(result.text()).contains("at key 100: value too long for type character varying(3)");
            assertThat(database.queryLong("SELECT count(*) FROM t WHERE \"out\" IS NOT NULL"))
                    .isEqualTo(5);
        }
    }

    @Test
    void rows_that_are_alike_are_written_once_and_a_column_may_have_any_name() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (place int, backfill_0 int, " + COLUMNS + ")",
                    "CREATE INDEX ON t (place)",
                    "INSERT INTO t SELECT g % 7, 1, 'x' || g % 2 FROM generate_series(1, 300) g");
            CommandResult result = run(database, "{ by: id, column: place }");

            assertThat(result.exit()).as(result.text()).isZero();
            assertThat(database.queryLong("SELECT count(*) FROM t WHERE \"out\" IS DISTINCT FROM reverse(\"In Put\")"))
                    .isZero();
            assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                    .isEqualTo(300);
        }
    }

    @Test
    void a_trigger_that_keeps_rows_as_they_are_pauses_the_run() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, " + COLUMNS + ")",
                    "INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 50) g",
                    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                    "CREATE TRIGGER keep BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 9) EXECUTE FUNCTION keep()");
            CommandResult result = run(database, "{ by: id }");

            assertThat(result.exit()).as(result.text()).isEqualTo(3);
            assertThat(result.text()).contains("1 rows cannot be written, the first with the key [9]");
        }
    }

    private CommandResult unchecked(TestDatabase database, String range) {
        try {
            return run(database, range);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private CommandResult run(TestDatabase database, String range) throws IOException {
        PluginJar.write(directory.resolve("plugins/reversal.jar"), Reversal.class);
        Path job = Files.writeString(directory.resolve("job.yaml"), """
                version: 1
                job: reverse
                table: t
                range: %s
                processor: { type: dev.backfill.orchestrator.functional.Reversal, options: { gate: %s } }
                verify: { remaining: '"out" IS NULL AND "In Put" IS NOT NULL' }
                parallelism: 2
                batch: { size: 100, min: 1, max: 100 }
                errors: { attempts: 2 }
                """.formatted(range, directory.resolve("gate")));
        Path config = Files.writeString(
                directory.resolve("orchestrator.conf"),
                "plugins = plugins\ndatabases.main.url = \"%s\"\n".formatted(database.jdbcUrl()));
        return CommandResult.of("run", job.toString(), "--config", config.toString());
    }
}
