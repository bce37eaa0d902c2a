package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens of the command line let in, and nothing that is secret comes out. */
class AccessTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String PLANTED = "planted-secret-";

    private final HttpClient client = HttpClient.newHttpClient();

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        CountedTable.create(database, 100);
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_token_of_the_command_lets_its_owner_in_until_it_is_withdrawn() throws Exception {
        BackfillProcess made = command("token", "anna", "--role", "operator");
        String token = made.output().strip();
        assertThat(token).matches("bf_[A-Za-z0-9_-]{43}");
        String line = made.errors()
                .lines()
                .filter(text -> text.contains("admin.tokens"))
                .findFirst()
                .orElse("")
                .strip();
        assertThat(made.errors()).doesNotContain(token);

        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), line)) {
            assertThat(daemon.get("/api/v1/jobs").status()).isEqualTo(401);
            assertThat(send(daemon, "GET", "/api/v1/jobs", token).statusCode()).isEqualTo(200);
            assertThat(send(daemon, "POST", "/api/v1/pause", token).statusCode())
                    .isEqualTo(200);
            assertThat(send(daemon, "DELETE", "/api/v1/jobs/none", token).body())
                    .contains("this needs the role admin, and anna has the role operator");
            assertThat(daemon.process().errors())
                    .contains("tokens are sent without encryption")
                    .contains("who=\"anna at 127.0.0.1\"")
                    .doesNotContain(token)
                    .doesNotContain("whoever reaches the address");
        }
        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
            assertThat(daemon.process().errors())
                    .contains("whoever reaches the address is let in without a token", "role=\"admin\"");
            assertThat(daemon.get("/api/v1/jobs").status()).isEqualTo(200);
        }
        try (Daemon daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                line.replace("anna", "ben").replaceAll("[0-9a-f]{64}", "ab".repeat(32)))) {
            assertThat(send(daemon, "GET", "/api/v1/jobs", token).statusCode()).isEqualTo(401);
        }
    }

    @Test
    void the_command_refuses_what_makes_no_token() throws Exception {
        assertThat(command("token", "anna", "--role", "root").errors())
                .contains("--role root is no role; viewer, operator or admin is");
        assertThat(command("token", "a b").errors()).contains("the name must be made of letters, digits");
        assertThat(command("token").errors()).contains("admin.tokens.\"me\" { role = operator");
    }

    @Test
    void no_secret_is_in_the_log_the_answers_the_metrics_or_the_list_of_processes() throws Exception {
        Path file = Files.writeString(directory.resolve("secret"), PLANTED + "file\n");
        List<String> seen = new ArrayList<>();
        try (Daemon daemon = Daemon.start(
                directory,
                Map.of(
                        "main",
                        database.jdbcUrl(),
                        "other",
                        "jdbc:postgresql://127.0.0.1:1/nowhere?sslmode=disable&password=" + PLANTED + "url"),
                "database-defaults.password = " + PLANTED + "password",
                "database-defaults.monitor { user = postgres, password = " + PLANTED + "monitor }",
                "database-defaults.owner.password = " + PLANTED + "owner",
                "databases.main.throttle.http.gate { url = \"http://127.0.0.1:1/\", token-file = \"" + file + "\" }",
                "databases.main.throttle.prometheus.p { url = \"http://127.0.0.1:1/\", query = up, slow = 1, hold = 2,"
                        + " token-file = \"" + file + "\" }")) {
            daemon.register(
                    "count", Files.readString(CountedTable.job(directory, CountedTable.BY_KEY, "database: main")));
            daemon.awaitRun(
                    "count", run -> run.path("hold").path("reason").asString("").equals("gate"));
            String run = daemon.run("count").path("id").asString();
            for (String path : List.of(
                    "/api/v1/jobs",
                    "/api/v1/jobs/count",
                    "/api/v1/jobs/none",
                    "/api/v1/jobs/count/runs",
                    "/api/v1/jobs/count/proof",
                    "/api/v1/runs/" + run,
                    "/api/v1/runs/" + run + "/slices",
                    "/api/v1/runs/" + run + "/quarantine",
                    "/api/v1/databases",
                    "/api/v1/events",
                    "/health/ready",
                    "/metrics")) {
                seen.add(path + ": " + daemon.get(path).body());
            }
            seen.add(daemon.put("/api/v1/jobs/count", "job: count\ndatabase: other")
                    .body()
                    .toString());
            await().atMost(PATIENCE).until(() -> daemon.process().errors().contains("nowhere"));
            seen.add(daemon.process().errors());
            seen.add(Files.readString(
                    Path.of("/proc", Long.toString(daemon.process().pid()), "cmdline")));
        }

        assertThat(seen).allSatisfy(text -> assertThat(text).doesNotContain(PLANTED));
        assertThat(String.join("", seen)).as("something was seen").contains("gate", "nowhere", "count", "backfill_");
    }

    private BackfillProcess command(String... arguments) throws Exception {
        BackfillProcess process = BackfillProcess.builder(arguments).start();
        process.waitFor(PATIENCE);
        return process;
    }

    private HttpResponse<String> send(Daemon daemon, String method, String path, String token) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(daemon.address() + path))
                        .header("Authorization", "Bearer " + token)
                        .method(method, BodyPublishers.noBody())
                        .build(),
                BodyHandlers.ofString());
    }
}
