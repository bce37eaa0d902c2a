package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A class of one's own in a plugin, and what it may do wrong. */
class ProcessorTest {

    private static final int ROWS = 1_000;
    private static final int PAUSED = 3;
    private static final String ONCE = "1 " + ROWS;
    private static final String NEVER = "0 " + ROWS;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        PluginJar.write(directory.resolve("plugins/moody.jar"), Moody.class);
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, counter int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT generate_series(1, " + ROWS + ")");
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    @ParameterizedTest
    @CsvSource({"good", "savepoint", "busy", "small", "resilient", "search path"})
    void each_row_is_changed_once(String mood) throws Exception {
        CommandResult result = run(mood);

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(counters()).isEqualTo(ONCE);
        assertThat(database.queryStrings("SELECT concat_ws(' ', r.state, sum(s.rows_changed), max(p.remaining))"
                        + " FROM backfill.run r JOIN backfill.slice s ON s.run = r.id JOIN backfill.proof p ON p.run = r.id"
                        + " GROUP BY r.id"))
                .containsExactly("SUCCEEDED " + ROWS + " 0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            commit        | the connection is the program's, and commit is not for a processor
            by the statement | the connection is the program's, and commit is not for a processor
            by the meta data | the connection is the program's, and commit is not for a processor
            rollback      | the connection is the program's, and rollback is not for a processor
            autocommit    | the connection is the program's, and setAutoCommit is not for a processor
            close         | the connection is the program's, and close is not for a processor
            isolation     | the connection is the program's, and setTransactionIsolation is not for a processor
            unwrap        | the driver's own statement is not for a processor
            commit in SQL | the batch's transaction is the program's, and COMMIT is not for a processor
            role          | the processor has left the transaction to the role pg_monitor
            modest        | says that it has changed -1 rows
            away          | the service is away
            elsewhere     | SQLException: the other database is away
            wrong         | AssertionError: a library is missing
            locked out    | the password has changed
            """)
    void what_it_must_not_do_pauses_the_run_and_changes_nothing(String mood, String reason) throws Exception {
        CommandResult result = run(mood, "errors: { attempts: 2, quarantine: 1000 }");

        assertThat(result.exit()).as(result.text()).isEqualTo(PAUSED);
        assertThat(result.text()).contains(reason, "then resume");
        assertThat(counters()).isEqualTo(NEVER);
    }

    @ParameterizedTest
    @CsvSource({"talkative", "wrapped"})
    void what_another_server_says_of_a_row_is_told_to_nobody(String mood) throws Exception {
        CommandResult result = run(mood);

        assertThat(result.exit()).as(result.text()).isEqualTo(PAUSED);
        assertThat(result.text()).contains("ERROR: taken").doesNotContain("secret");
        assertThat(database.queryStrings(
                        "SELECT e::text FROM backfill.event e UNION ALL SELECT r::text FROM backfill.run r"
                                + " UNION ALL SELECT q::text FROM backfill.quarantine q"
                                + " UNION ALL SELECT f::text FROM backfill.failure f"))
                .isNotEmpty()
                .noneMatch(row -> row.contains("secret"));
    }

    @Test
    void an_error_that_it_swallows_counts_all_the_same() throws Exception {
        CommandResult result = run("stubborn");

        assertThat(result.exit()).as(result.text()).isEqualTo(PAUSED);
        assertThat(result.text()).contains("at key 1: division by zero");
        assertThat(counters()).isEqualTo(NEVER);
    }

    @Test
    void rows_that_it_cannot_process_are_set_aside() throws Exception {
        CommandResult result = run("picky", "errors: { quarantine: 10 }");

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertThat(counters()).isEqualTo("1 990, 0 10");
        assertThat(database.queryStrings("SELECT concat_ws(' ', key ->> 0, sqlstate, message) FROM backfill.quarantine"
                        + " ORDER BY (key ->> 0)::int LIMIT 1"))
                .containsExactly("7 38000 the processor dev.backfill.orchestrator.functional.Moody:"
                        + " IllegalArgumentException: not this one");
    }

    @ParameterizedTest
    @CsvSource({"slow", "deaf"})
    void one_that_takes_too_long_is_interrupted_and_gets_fewer_rows(String mood) throws Exception {
        database.execute("DELETE FROM t WHERE id > 200");
        CommandResult result = run(mood, "errors: { statement-timeout: 200ms, lock-timeout: 100ms }");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(counters()).isEqualTo("1 200");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.slice WHERE batches <= 2"))
                .isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            mood: unwilling     | 5:81: processor.options.mood must be another
            mood: broken        | does not take its options: IllegalStateException: no connection to the stars
            mood: 7             | 5:81: processor.options.mood must be a text
            moood: good         | 5:82: unknown option `moood` (there is mood, counter)
            """)
    void options_are_checked_before_anything_is_done(String option, String problem) throws Exception {
        CommandResult result = command("run", "dev.backfill.orchestrator.functional.Moody", option);

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains(problem);
        assertThat(counters()).isEqualTo(NEVER);
    }

    @Test
    void a_processor_that_is_not_there_is_named_with_those_that_are() throws Exception {
        Files.writeString(directory.resolve("plugins/broken.jar"), "no jar");
        CommandResult result = command("validate", "com.example.Nobody", "mood: good");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text())
                .contains("no processor com.example.Nobody")
                .contains(directory.resolve("plugins") + ", which has dev.backfill.orchestrator.functional.Moody");
    }

    @Test
    void one_that_is_in_two_plugins_is_refused() throws Exception {
        PluginJar.write(directory.resolve("plugins/second/moody.jar"), Moody.class);
        CommandResult result = command("validate", "dev.backfill.orchestrator.functional.Moody", "mood: good");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains("is in several plugins: moody.jar, second");
    }

    private CommandResult run(String mood, String... more) throws IOException {
        return command("run", "dev.backfill.orchestrator.functional.Moody", "mood: " + mood, more);
    }

    private CommandResult command(String command, String type, String option, String... more) throws IOException {
        Path job =
                Files.writeString(directory.resolve("job.yaml"), """
                version: 1
                job: count
                table: t
                range: { by: id }
                processor: { type: %s, options: { %s } }
                verify: { remaining: counter = 0 }
                batch: { size: 100, min: 1, max: 100 }
                %s
                """.formatted(type, option, String.join("\n", more)));
        Path config = Files.writeString(
                directory.resolve("orchestrator.conf"),
                "plugins = plugins\ndatabases.main.url = \"%s\"\n".formatted(database.jdbcUrl()));
        return CommandResult.of(command, job.toString(), "--config", config.toString());
    }

    private String counters() throws SQLException {
        return String.join(
                ", ",
                database.queryStrings(
                        "SELECT concat_ws(' ', counter, count(*)) FROM t GROUP BY counter" + " ORDER BY counter DESC"));
    }
}
