package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run would do, by words that are compared with the table. */
class DryRunTest {

    private static final String COUNT = "sql: UPDATE t SET n = n + 1 WHERE :range\nverify: { remaining: n = 0 }\n";
    private static final double TOLERANCE = 4;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, pad text)",
                "INSERT INTO t SELECT g, 0, repeat('x', 100) FROM generate_series(1, 20000) g",
                "ANALYZE t");
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    @Test
    void it_reads_only_and_says_how_a_batch_finds_its_rows() throws Exception {
        CommandResult result = dryRun("{ by: id }", COUNT + "parallelism: 2\n");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .contains("range: 1 to 20000; about 20,000 rows in 8 slices, by \"id\"")
                .contains("a batch finds its rows by t_pkey:", "Index Cond: ((id > ")
                .contains("a guess from the size of the rows: if every row is changed, one worker would need ")
                .contains("of WAL would be written", "--sample tries five batches")
                .contains("locks: the rows that a batch changes, for as long as it lasts, which is about 250 ms\n")
                .contains("2 workers need at least 33 ms") // 20,000 rows at the most optimistic rate, by two
                .doesNotContain("others write", "WARNING");
        assertThat(database.queryStrings("SELECT DISTINCT n::text FROM t")).containsExactly("0");
        assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = 'backfill'"))
                .isZero();
    }

    @Test
    void samples_are_measured_and_rolled_back() throws Exception {
        database.execute(
                "CREATE TABLE log (id int)",
                """
                CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NULL; END'
                """,
                "CREATE TRIGGER note AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()");
        CommandResult result = dryRun("{ by: id }", COUNT, "--sample");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .startsWith(
                        "trying batches of up to 1000 keys on \"public\".\"t\", each of which is rolled back; sequences")
                .contains("triggers that fire: note (INSERT, UPDATE)\n")
                .contains("at the start: 1,000 keys, 1,000 rows changed")
                .contains("at the end: 1,000 keys, 1,000 rows changed")
                .contains("at 3/4 of the range: 1,000 keys, 1,000 rows changed", "of WAL (others' included)")
                .contains("RowExclusiveLock on t", "RowExclusiveLock on log")
                .contains("by what these batches took: one worker would need ")
                .doesNotContain("WARNING", "REFUSED", "locks: the rows", "--sample", "not be seen");
        assertThat(database.queryStrings("SELECT DISTINCT n::text FROM t")).containsExactly("0");
        assertThat(database.queryLong("SELECT count(*) FROM log")).isZero();
    }

    @Test
    void what_moves_the_key_is_refused() throws Exception {
        database.execute(
                "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.id := NEW.id + 100000; RETURN NEW; END'",
                "CREATE TRIGGER move BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION move()");
        String change = "update: { set: { n: n + 1 }, where: \"n >= 0 OR (SELECT true)\" }\n";
        CommandResult result = dryRun("{ by: id }", change, "--sample");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text())
                .contains("REFUSED: the change moves rows along the key, 1 of these, such as 7")
                .contains("WARNING: 4,999 of these rows still meet `remaining` after the change");
    }

    @Test
    void what_would_stop_the_run_is_an_error_of_the_command() throws Exception {
        String change = "update: { set: { n: 1 / (id - 7) }, where: n = 0 }\n";
        CommandResult result = dryRun("{ by: id }", change, "--sample");

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertThat(result.text())
                .contains(
                        "at the start (keys 1 to 1000): division by zero (SQLSTATE 22012); a run would look for the row")
                .contains("at the end: 1,000 keys, ");
    }

    @Test
    void nothing_is_tried_where_something_stands_in_the_way() throws Exception {
        database.execute(
                "CREATE PUBLICATION everything FOR ALL TABLES",
                "CREATE TABLE parent (id int PRIMARY KEY)",
                "ALTER TABLE t ADD parent int REFERENCES parent ON DELETE CASCADE");
        CommandResult result = dryRun("{ by: id }", COUNT, "--sample");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text())
                .contains(
                        "no batch was tried: something stands in the way, see above", "everything publishes all tables")
                .contains(
                        "foreign keys: t_parent_fkey of t: FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE")
                .contains("which is about 250 ms; by the foreign keys, rows in the other tables may be locked too")
                .doesNotContain("trying batches", "--sample", "at the start");
    }

    @Test
    void a_job_that_cannot_run_is_told_with_what_else_stands_in_the_way() throws Exception {
        database.execute("CREATE PUBLICATION everything FOR ALL TABLES");
        CommandResult result = dryRun("{ by: id }", COUNT.replace("SET n", "SET m"));

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains("column \"m\"", "everything publishes all tables");
    }

    @Test
    void an_empty_range_is_said_to_be_empty() throws Exception {
        database.execute("DELETE FROM t");
        CommandResult result = dryRun("{ by: id }", COUNT, "--sample");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .contains("range: there is no row in it, so no batch was tried")
                .doesNotContain("trying batches", "--sample");
    }

    @Test
    void what_others_write_is_measured() throws Exception {
        AtomicBoolean looked = new AtomicBoolean();
        CompletableFuture<Void> others = CompletableFuture.runAsync(() -> write(looked));
        CommandResult result = dryRun("{ by: id }", COUNT);
        looked.set(true);
        others.join();

        assertThat(result.text()).containsPattern("others write about [1-9][0-9,.]* rows a second");
    }

    @Test
    void a_processor_that_sleeps_is_ended_and_told_of() throws Exception {
        Path plugins = Files.createDirectories(directory.resolve("plugins"));
        PluginJar.write(plugins.resolve("moody.jar"), Moody.class);
        Path config = Files.writeString(
                directory.resolve("dry.conf"),
                "plugins = \"%s\"\ndatabases.main.url = \"%s\"\n".formatted(plugins, database.jdbcUrl()));
        Path job = job(
                "{ by: id, to: 500 }",
                "processor: { type: %s, options: { mood: asleep, counter: n } }\nverify: { remaining: n = 0 }\n"
                                .formatted(Moody.class.getName())
                        + "errors: { statement-timeout: 600ms }\n");
        long begun = System.nanoTime();
        CommandResult result = CommandResult.of("dry-run", job.toString(), "--config", config.toString(), "--sample");

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(15));
        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text())
                .contains("at the start (keys 1 to 499): the processor " + Moody.class.getName()
                        + " was ended, for it took"
                        + " longer than errors.statement-timeout, which is 600ms; a run would cut the batch smaller");
    }

    @Test
    void a_run_takes_what_the_samples_foretell() throws Exception {
        String slow = COUNT.replace(":range", ":range AND (SELECT pg_sleep(0.05)) IS NOT NULL")
                + "batch: { size: 1000, min: 100, max: 1000 }\n";
        String told = dryRun("{ by: id }", slow, "--sample").text();
        CommandResult run =
                CommandResult.of("run", directory.resolve("job.yaml").toString(), "--database", database.jdbcUrl());

        assertThat(run.exit()).as(run.text()).isZero();
        double took = Double.parseDouble(
                database.queryStrings("SELECT extract(epoch FROM finished - started) FROM backfill.run")
                        .get(0));
        Matcher bar = Pattern.compile(
                        "about ([0-9,]+) rows(?s:.)* would need \\S+ \\S+ \\((\\S+ \\S+) to (\\S+ \\S+)\\)")
                .matcher(told);
        assertThat(bar.find()).as(told).isTrue();
        assertThat(bar.group(1)).isEqualTo("20,000");
        assertThat(took).as(told).isBetween(seconds(bar.group(2)) / TOLERANCE, seconds(bar.group(3)) * TOLERANCE);
        assertThat(database.queryStrings("SELECT DISTINCT n::text FROM t")).containsExactly("1");
    }

    private static double seconds(String words) {
        String[] parts = words.split(" ", 2);
        return Double.parseDouble(parts[0])
                * switch (parts[1]) {
                    case "ms" -> 0.001;
                    case "s" -> 1;
                    case "min" -> 60;
                    default -> throw new IllegalArgumentException(words);
                };
    }

    /** Ten rows a turn, which the server counts at once. */
    private void write(AtomicBoolean enough) {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            while (!enough.get()) {
                statement.execute("SELECT pg_stat_force_next_flush()");
                statement.execute("UPDATE t SET pad = 'y' WHERE id <= 10");
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private CommandResult dryRun(String range, String work, String... options) throws IOException {
        List<String> words =
                new ArrayList<>(List.of("dry-run", job(range, work).toString(), "--database", database.jdbcUrl()));
        words.addAll(List.of(options));
        return CommandResult.of(words.toArray(String[]::new));
    }

    private Path job(String range, String work) throws IOException {
        return Files.writeString(
                directory.resolve("job.yaml"), "version: 1\njob: count\ntable: t\nrange: " + range + "\n" + work);
    }
}
