package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A proof is one only when it is of every database and of the latest run; a step that relies on it asks the exit code. */
class ProofOfDatabasesTest {

    private static TestDatabase one;
    private static TestDatabase two;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        one = database();
        two = database();
        daemon = Daemon.start(directory, Map.of("shard-1", one.jdbcUrl(), "shard-2", two.jdbcUrl()), "lease = 2s");
        for (String job : List.of("half", "anew")) {
            register(job);
            assertThat(daemon.post("/api/v1/jobs/" + job + "/start").status()).isEqualTo(200);
            daemon.awaitState(job, "SUCCEEDED");
        }
        registerAlsoInTwo("half");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        one.close();
        two.close();
    }

    @Test
    void a_database_that_was_never_checked_is_named_and_is_no_success() {
        CommandResult both = command("proof", "half");

        assertThat(both.exit()).as(both.text()).isEqualTo(1);
        assertThat(both.text())
                .contains("job half, database shard-1", "nothing is left")
                .contains("job half, database shard-2: not checked yet", "backfill verify half --database shard-2");

        assertThat(command("proof", "half", "--database", "shard-1").exit()).isZero();
        CommandResult second = command("proof", "half", "--database", "shard-2");
        assertThat(second.exit()).isEqualTo(1);
        assertThat(second.text()).contains("shard-2: not checked yet").doesNotContain("shard-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"proof", "verify"})
    void a_mistyped_database_is_refused_with_the_names_there_are(String command) {
        CommandResult result = command(command, "half", "--database", "shard1");

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains("not in a database shard1; it is in shard-1, shard-2");
    }

    @Test
    void a_script_reads_what_the_exit_code_is_about() {
        CommandResult first = command("proof", "half", "--json", "--database", "shard-1");
        JsonNode read = JsonMapper.shared().readTree(first.text());
        assertThat(first.exit()).isZero();
        assertThat(read.path("proofs")).hasSize(1);
        assertThat(read.at("/proofs/0/newer-run").isNull()).isTrue();
        assertThat(read.path("unchecked")).isEmpty();

        CommandResult second = command("proof", "half", "--json", "--database", "shard-2");
        read = JsonMapper.shared().readTree(second.text());
        assertThat(second.exit()).isEqualTo(1);
        assertThat(read.path("proofs")).isEmpty();
        assertThat(read.at("/unchecked/0").asString()).isEqualTo("shard-2");
        assertThat(read.path("job").asString()).isEqualTo("half");
    }

    @Test
    void a_proof_of_an_older_run_is_none_of_the_newer() throws Exception {
        String checked = daemon.run("anew").path("id").asString();
        assertThat(command("proof", "anew").exit()).isZero();
        assertThat(daemon.post("/api/v1/pause").status()).isEqualTo(200);
        try {
            String newer = daemon.say("start", "anew").path("id").asString();
            CommandResult result = command("proof", "anew");

            assertThat(result.exit()).as(result.text()).isEqualTo(1);
            assertThat(result.text())
                    .contains(checked + ", revision 1")
                    .containsPattern("a newer run " + newer + " is (PENDING|RUNNING); this is not its proof");
        } finally {
            assertThat(daemon.post("/api/v1/resume").status()).isEqualTo(200);
        }
        daemon.awaitState("anew", "SUCCEEDED");
        assertThat(command("proof", "anew").exit()).isZero();
    }

    @Test
    void a_database_that_is_away_is_not_taken_for_done() throws Exception {
        String answer = JsonMapper.shared()
                .writeValueAsString(daemon.get("/api/v1/jobs/anew/proof").body())
                .replace("\"away\":[]", "\"away\":[{\"database\":\"gone\",\"detail\":\"Connection refused\"}]");
        try (Stranger half = Stranger.saying(200, "application/json", answer)) {
            CommandResult both = CommandResult.of("proof", "anew", "--server", half.address());

            assertThat(both.exit()).as(both.text()).isEqualTo(4);
            assertThat(both.text()).contains("nothing is left", "database gone is away: Connection refused");
            assertThat(CommandResult.of("proof", "anew", "--database", "gone", "--server", half.address())
                            .exit())
                    .isEqualTo(4);
            CommandResult mistyped = CommandResult.of("proof", "anew", "--database=x", "--server", half.address());
            assertThat(mistyped.text()).contains("it is in shard-1; not answering: gone");
        }
    }

    private static CommandResult command(String... arguments) {
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
        all[arguments.length] = "--server=" + daemon.address();
        return CommandResult.of(all);
    }

    private static TestDatabase database() throws Exception {
        TestDatabase database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, 300) AS g");
        return database;
    }

    private static void register(String job) {
        daemon.register(job, """
                version: 1
                job: %s
                database: shard-1
                table: c
                range: { by: id }
                update: { set: { n: n + 1 }, where: n = 0 }
                schedule: { start: manual }
                """.formatted(job));
    }

    /** As a job of two databases is kept. */
    private static void registerAlsoInTwo(String job) throws Exception {
        String of = " FROM backfill.job WHERE name = '" + job + "'";
        String definition = one.queryStrings("SELECT definition" + of).get(0);
        String checksum = one.queryStrings("SELECT checksum" + of).get(0);
        two.execute(
                "INSERT INTO backfill.job (name, revision, definition, checksum, origin, registered_by) VALUES ('" + job
                        + "', 1, $$" + definition + "$$, '" + checksum + "', 'api', 'test')",
                "INSERT INTO backfill.registration (job, revision, origin) VALUES ('" + job + "', 1, 'api')");
    }
}
