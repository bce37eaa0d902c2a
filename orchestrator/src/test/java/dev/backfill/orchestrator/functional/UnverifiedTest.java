package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs that say {@code verify: none}: their runs prove nothing, and never look as if they did. */
class UnverifiedTest {

    private static final int ROWS = 300;
    private static final String NONE = "verify: none";
    private static final String UNVERIFIED = "unverified: the job says verify: none";

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(directory, database);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    /** Rows are left each time, which nobody counts. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "by-update | update: { set: { n: n + 1 }, where: 'true' } | 1 x 300",
                "by-delete | delete: { where: id <= 100 } | 0 x 200",
                "by-sql | sql: UPDATE {} SET n = n + 1 WHERE :range AND id <= 100 | 0 x 200, 1 x 100"
            })
    void a_run_ends_with_that_word_and_without_a_proof(String job, String work, String rows) throws Exception {
        create(job);

        daemon.register(job, yaml(job, work, NONE));
        daemon.awaitState(job, "SUCCEEDED");

        assertThat(daemon.run(job).path("reason").asString()).isEqualTo(UNVERIFIED);
        assertThat(proofs(job)).isZero();
        assertThat(rows(job)).containsExactly(rows.split(", "));
        assertThat(database.queryStrings(
                        "SELECT concat_ws(' ', pass, rows_remaining) FROM backfill.run WHERE job = '" + job + "'"))
                .as("passes and rows left")
                .containsExactly("1");
        CommandResult proof = command("proof", job);
        assertThat(proof.exit()).as(proof.text()).isEqualTo(1);
        assertThat(proof.text())
                .contains("job " + job + ", database main: not checked yet", "unless the job says verify: none");
        assertThat(daemon.get("/api/v1/jobs/" + job + "/proof").body().path("unchecked"))
                .extracting(node -> node.asString())
                .containsExactly("main");
    }

    @Test
    void a_check_of_such_a_run_comes_to_no_proof_and_changes_nothing() throws Exception {
        create("checked");
        daemon.register("checked", yaml("checked", "delete: { where: id <= 100 }", NONE));
        daemon.awaitState("checked", "SUCCEEDED");

        CommandResult verify = command("verify", "checked");

        assertThat(verify.exit()).as(verify.text()).isEqualTo(1);
        assertThat(verify.text()).contains("has come to no proof: " + UNVERIFIED);
        assertThat(daemon.state("checked")).isEqualTo("SUCCEEDED");
        assertThat(daemon.run("checked").path("reason").asString()).isEqualTo(UNVERIFIED);
        assertThat(proofs("checked")).isZero();
        assertThat(command("proof", "checked").exit()).isEqualTo(1);
    }

    @Test
    void a_key_in_quarantine_fails_the_run_all_the_same() throws Exception {
        create("aside");
        database.execute("ALTER TABLE aside ADD CONSTRAINT small CHECK (n < 1 OR id <> 7)");
        daemon.register(
                "aside",
                yaml("aside", "sql: UPDATE aside SET n = n + 1 WHERE :range", NONE + "\nerrors: { quarantine: 5 }"));

        daemon.awaitState("aside", "FAILED");

        assertThat(daemon.run("aside").path("reason").asString()).isEqualTo("1 keys are in quarantine; " + UNVERIFIED);
        assertThat(rows("aside")).containsExactly("0 x 1", "1 x 299");
        CommandResult verify = command("verify", "aside");
        assertThat(verify.exit()).as(verify.text()).isEqualTo(1);
        assertThat(verify.text()).contains("has come to no proof: " + UNVERIFIED);
        assertThat(daemon.state("aside")).isEqualTo("FAILED");

        database.execute("ALTER TABLE aside DROP CONSTRAINT small");
        daemon.say("retry", "aside");
        daemon.awaitState("aside", "SUCCEEDED");

        assertThat(daemon.run("aside").path("reason").asString()).isEqualTo(UNVERIFIED);
        assertThat(rows("aside")).containsExactly("1 x 300");
        assertThat(proofs("aside")).isZero();
    }

    @Test
    void the_proof_of_an_earlier_run_is_not_its_proof() throws Exception {
        create("revised");
        String work = "update: { set: { n: n + 1 }, where: n = 0 }";
        daemon.register("revised", yaml("revised", work, ""));
        daemon.awaitState("revised", "SUCCEEDED");
        assertThat(command("proof", "revised").exit()).isZero();

        daemon.register("revised", yaml("revised", work, NONE));
        String run = daemon.say("start", "revised").path("id").asString();
        daemon.awaitState("revised", "SUCCEEDED");

        assertThat(daemon.run("revised").path("id").asString()).isEqualTo(run);
        CommandResult proof = command("proof", "revised");
        assertThat(proof.exit()).as(proof.text()).isEqualTo(1);
        assertThat(proof.text()).contains("a newer run " + run + " is SUCCEEDED; this is not its proof");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.proof WHERE run = '" + run + "'"))
                .isZero();
    }

    /** Whoever has no daemon is told, too. */
    @Test
    void a_run_in_the_foreground_says_it(@TempDir Path elsewhere) throws Exception {
        create("foreground");
        Path job =
                CountedTable.write(elsewhere, yaml("foreground", "update: { set: { n: n + 1 }, where: 'true' }", NONE));

        CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text()).contains("unverified").doesNotContain("proof:", "rows left to do");
    }

    private static void create(String job) throws Exception {
        database.execute(
                "CREATE TABLE \"" + job + "\" (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO \"" + job + "\" SELECT g FROM generate_series(1, " + ROWS + ") AS g");
    }

    private static List<String> rows(String job) throws Exception {
        return database.queryStrings("SELECT n || ' x ' || count(*) FROM \"" + job + "\" GROUP BY n ORDER BY n");
    }

    private static long proofs(String job) throws Exception {
        return database.queryLong("SELECT count(*) FROM backfill.proof WHERE job = '" + job + "'");
    }

    private static CommandResult command(String verb, String job) {
        return CommandResult.of(verb, job, "--server", daemon.address());
    }

    private static String yaml(String job, String work, String more) {
        return """
                version: 1
                job: %1$s
                table: '"%1$s"'
                range: { by: id }
                %2$s
                %3$s
                """.formatted(job, work.replace("{}", "\"" + job + "\""), more);
    }
}
