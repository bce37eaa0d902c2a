package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What a daemon knows of a job's range, and another look at it, from a terminal. */
class ProofCommandTest {

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, 300) AS g",
                "CREATE TABLE d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        daemon = Daemon.start(directory, database);
        daemon.register("done", yaml("done", "c", "remaining: n = 0", ""));
        daemon.register("waits", yaml("waits", "d", "remaining: n = 0", "schedule: { start: manual }"));
        daemon.awaitState("done", "SUCCEEDED");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @Test
    void a_proof_is_told_in_lines_and_as_it_came() {
        CommandResult lines = command("proof", "done");

        assertThat(lines.exit()).as(lines.text()).isZero();
        assertThat(lines.text())
                .contains("job done, database main")
                .containsPattern("remaining +0, nothing is left")
                .containsPattern("range +1 to 300")
                .contains(daemon.run("done").path("id").asString() + ", revision 1");
        CommandResult json = command("proof", "done", "--json");
        assertThat(json.exit()).isZero();
        assertThat(JsonMapper.shared().readTree(json.text()))
                .isEqualTo(daemon.get("/api/v1/jobs/done/proof").body());
    }

    @Test
    void without_a_proof_it_says_how_to_get_one() {
        CommandResult result = command("proof", "waits");

        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.text())
                .contains("job waits, database main: not checked yet", "`backfill verify waits --database main`");
    }

    @ParameterizedTest
    @CsvSource({
        "proof nobody, 2, Not found",
        "verify nobody, 2, Not found",
        "proof ../../x, 2, ''",
        "verify waits, 4, Not allowed in this state",
        "proof, 2, Missing required parameter"
    })
    void what_cannot_be_is_refused(String command, int exit, String said) {
        CommandResult result = command(command.split(" "));

        assertThat(result.exit()).as(result.text()).isEqualTo(exit);
        assertThat(result.text()).contains(said).doesNotContain("Exception", "\tat ");
    }

    @Test
    void another_look_is_waited_for_and_finds_what_has_come_back() throws Exception {
        String first =
                daemon.get("/api/v1/jobs/done/proof").body().at("/proofs/0/at").asString();
        try {
            database.execute("UPDATE c SET n = 0 WHERE id IN (7, 8)");
            CommandResult left = command("verify", "done", "--reason", "a doubt");
            assertThat(left.exit()).as(left.text()).isEqualTo(1);
            assertThat(left.text()).contains("2 rows are still to do").doesNotContain(first);
            assertThat(daemon.get("/api/v1/events?job=done&limit=1000").body().toString())
                    .contains("a doubt");
        } finally {
            database.execute("UPDATE c SET n = 1");
        }
        CommandResult gone = command("verify", "done");
        assertThat(gone.exit()).as(gone.text()).isZero();
        assertThat(gone.text()).contains("nothing is left");
        assertThat(daemon.state("done")).isEqualTo("SUCCEEDED");
    }

    @Test
    void with_a_key_in_quarantine_a_range_without_rows_to_do_is_no_proof() throws Exception {
        database.execute(
                "CREATE TABLE q (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, CHECK (id <> 3 OR n = 0))",
                "INSERT INTO q SELECT g FROM generate_series(1, 10) AS g");
        daemon.register(
                "set-aside", yaml("set-aside", "q", "remaining: n = 0 AND id <> 3", "errors: { quarantine: 5 }"));
        daemon.awaitState("set-aside", "FAILED");
        CommandResult verified = command("verify", "set-aside");
        CommandResult proof = command("proof", "set-aside");

        assertThat(verified.exit()).as(verified.text()).isEqualTo(1);
        assertThat(proof.exit()).as(proof.text()).isEqualTo(1);
        assertThat(proof.text())
                .containsPattern("remaining +0, nothing is left")
                .contains("1 key is in quarantine", ", FAILED");

        database.execute("ALTER TABLE q DROP CONSTRAINT q_check");
        daemon.post("/api/v1/jobs/set-aside/retry", "");
        daemon.awaitState("set-aside", "SUCCEEDED");
        assertThat(command("proof", "set-aside").exit()).isZero();
    }

    @Test
    void it_need_not_be_waited_for() {
        CommandResult result = command("verify", "done", "--no-wait");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text()).contains("the check is asked for");
        await().until(() ->
                daemon.get("/api/v1/jobs/done/proof").body().path("checking").isEmpty());
    }

    @Test
    void a_check_that_comes_to_nothing_says_why() throws Exception {
        database.execute("CREATE TABLE e (id int PRIMARY KEY, n int)", "INSERT INTO e VALUES (1, 0)");
        daemon.register("gone", yaml("gone", "e", "remaining: n = 0", ""));
        daemon.awaitState("gone", "SUCCEEDED");
        database.execute("DROP TABLE e");

        CommandResult result = command("verify", "gone");

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertThat(result.text()).contains("has come to no proof: ", "e");
    }

    @Test
    void a_check_does_not_speak_of_another_table_of_the_same_name() throws Exception {
        database.execute("CREATE TABLE s (id int PRIMARY KEY, n int)", "INSERT INTO s VALUES (1, 0)");
        daemon.register("swapped", yaml("swapped", "s", "remaining: n = 0", ""));
        daemon.awaitState("swapped", "SUCCEEDED");
        String proof = daemon.get("/api/v1/jobs/swapped/proof")
                .body()
                .at("/proofs/0/at")
                .asString();
        database.execute("ALTER TABLE s RENAME TO first", "CREATE TABLE s (LIKE first INCLUDING ALL)");

        CommandResult result = command("verify", "swapped");

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertThat(result.text()).contains("has come to no proof: ", "\"public\".\"s\" is another table");
        assertThat(daemon.get("/api/v1/jobs/swapped/proof")
                        .body()
                        .at("/proofs/0/at")
                        .asString())
                .isEqualTo(proof);
    }

    @Test
    void a_daemon_that_is_away_or_somebody_else_is_named() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        CommandResult away = CommandResult.of("proof", "done", "--server", "http://127.0.0.1:" + port);
        assertThat(away.exit()).isEqualTo(4);
        assertThat(away.text()).contains("127.0.0.1:" + port, "cannot be reached", "is it running?");

        try (Stranger other = Stranger.saying(200, "text/html", "<html>hello</html>")) {
            CommandResult stranger = CommandResult.of("proof", "done", "--server", other.address());
            assertThat(stranger.exit()).isEqualTo(4);
            assertThat(stranger.text()).contains("no daemon of this program", "text/html", other.address());
        }
    }

    @Test
    void a_token_with_a_line_break_is_refused_and_not_shown() throws Exception {
        try (BackfillProcess process = BackfillProcess.builder("proof", "done", "--server", daemon.address())
                .environment("BACKFILL_TOKEN", "s3cr\net")
                .start()) {
            assertThat(process.waitFor(Duration.ofSeconds(30)))
                    .as(process::toString)
                    .isEqualTo(2);
            assertThat(process.output()).isEmpty();
            assertThat(process.errors())
                    .contains("BACKFILL_TOKEN", "character 5")
                    .doesNotContain("s3cr");
        }
        try (BackfillProcess process = BackfillProcess.builder("proof", "done", "--server", daemon.address())
                .environment("BACKFILL_TOKEN", " \n")
                .start()) {
            assertThat(process.waitFor(Duration.ofSeconds(30)))
                    .as(process::toString)
                    .isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "somewhere",
                "ftp://x",
                "http://",
                "http://x y",
                "http://127.0.0.1:1/api",
                "http://127.0.0.1:1?x",
                "http://127.0.0.1:65536",
                "http://me@127.0.0.1:1"
            })
    void what_is_no_address_is_refused(String address) {
        CommandResult result = CommandResult.of("proof", "done", "--server=" + address);

        assertThat(result.exit()).as(result.text()).isEqualTo(2);
        assertThat(result.text()).contains("is no address of a daemon");
    }

    private static CommandResult command(String... arguments) {
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
        all[arguments.length] = "--server=" + daemon.address();
        return CommandResult.of(all);
    }

    private static String yaml(String job, String table, String verify, String more) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                update: { set: { n: n + 1 }, where: n = 0 }
                verify: { %s }
                %s
                """.formatted(job, table, verify, more);
    }
}
