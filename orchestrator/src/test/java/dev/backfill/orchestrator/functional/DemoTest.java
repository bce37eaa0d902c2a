package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.InterruptionTest.Request;
import dev.backfill.orchestrator.testing.BackfillProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The demo as a process: it shows what it says, and nothing of it stays, however it ends. */
class DemoTest {

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Pattern ADDRESS = Pattern.compile("admin API on (http://127\\.0\\.0\\.1:[0-9]+)");
    private static final Pattern DATABASE =
            Pattern.compile("database is at postgresql://(\\w+):(\\w+)@(127\\.0\\.0\\.1:[0-9]+/\\w+)");

    @TempDir
    private Path directory;

    @Test
    void it_runs_to_success_and_leaves_nothing() throws Exception {
        try (BackfillProcess demo = demo("--rows", "50000")) {
            assertThat(demo.waitFor(PATIENCE)).as(demo::toString).isZero();

            assertSucceeded(demo);
            assertThat(demo.errors())
                    .contains("application_name standby-1, state streaming, sent_lsn 0/")
                    .doesNotContain("INFO");
        }
        assertThat(left()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "SIGINT, Starting PostgreSQL",
        "SIGTERM, Creating the table",
        "SIGINT, job orders-total-cents",
    })
    void interrupted_at_any_moment_it_leaves_nothing(Request request, String moment) throws Exception {
        try (BackfillProcess demo = demo("--rows", "200000")) {
            soon().until(() -> demo.errors().contains(moment));

            request.to(demo);

            assertThat(demo.waitFor(SOON)).as(demo::toString).isEqualTo(3);
            soon().untilAsserted(() -> assertThat(left()).isEmpty());
        }
    }

    @Test
    void killed_while_its_servers_start_it_leaves_nothing_either() throws Exception {
        try (BackfillProcess demo = demo("--rows", "50000")) {
            soon().until(() -> processes().anyMatch(command -> command.contains("bin/initdb")));

            demo.kill9();

            soon().untilAsserted(() -> assertThat(left()).isEmpty());
        }
    }

    @Test
    void killed_in_mid_run_it_leaves_nothing_either() throws Exception {
        try (BackfillProcess demo = demo("--rows", "50000")) {
            soon().until(() -> demo.errors().contains("job orders-total-cents"));

            demo.kill9();

            soon().untilAsserted(() -> assertThat(left()).isEmpty());
        }
    }

    @Test
    void two_at_once_do_not_meet() throws Exception {
        try (BackfillProcess one = demo("--rows", "20000");
                BackfillProcess other = demo("--rows", "20000")) {
            assertThat(one.waitFor(PATIENCE)).as(one::toString).isZero();
            assertThat(other.waitFor(PATIENCE)).as(other::toString).isZero();
        }
        assertThat(left()).isEmpty();
    }

    @Test
    void kept_it_serves_until_it_is_interrupted() throws Exception {
        try (BackfillProcess demo = demo("--rows", "50000", "--keep")) {
            await().atMost(PATIENCE).until(() -> demo.errors().contains("until Ctrl-C") || !demo.isAlive());

            assertSucceeded(demo);
            JsonNode job = get(found(ADDRESS, demo).group(1) + "/api/v1/jobs/orders-total-cents");
            assertThat(job.path("runs").path(0).path("state").asString("")).isEqualTo("SUCCEEDED");
            assertThat(wrongRows(found(DATABASE, demo))).isZero();
            demo.sigint();
            assertThat(demo.waitFor(SOON)).as(demo::toString).isZero();
        }
        assertThat(left()).isEmpty();
    }

    private BackfillProcess demo(String... arguments) throws IOException {
        return BackfillProcess.builder(
                        Stream.concat(Stream.of("demo"), Stream.of(arguments)).toArray(String[]::new))
                .property("java.io.tmpdir", directory.toString())
                .start();
    }

    private static void assertSucceeded(BackfillProcess demo) {
        assertThat(demo.output())
                .as(demo::toString)
                .contains("of job orders-total-cents succeeded")
                .contains("proof: 0 rows left")
                .contains("counted in the table: 50,000 rows, 49,000 with total_cents, 0 wrong")
                .containsPattern("standbys: at worst [0-9]+\\.[0-9] s behind, with 5 s allowed");
    }

    /** Files and processes of the demo. */
    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return Stream.concat(files.map(Path::toString), processes()).toList();
        }
    }

    private Stream<String> processes() {
        String mark = directory + "/backfill-demo-";
        return ProcessHandle.allProcesses()
                .flatMap(process -> process.info().commandLine().stream())
                .filter(command -> command.contains(mark));
    }

    private static ConditionFactory soon() {
        return await().dontCatchUncaughtExceptions().atMost(PATIENCE).pollInterval(Duration.ofMillis(50));
    }

    private static Matcher found(Pattern pattern, BackfillProcess demo) {
        Matcher matcher = pattern.matcher(demo.errors());
        assertThat(matcher.find()).as(demo::toString).isTrue();
        return matcher;
    }

    private static JsonNode get(String url) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
        return JsonMapper.shared()
                .readTree(HttpClient.newHttpClient()
                        .send(request, BodyHandlers.ofString())
                        .body());
    }

    private static long wrongRows(Matcher database) throws Exception {
        String url = "jdbc:postgresql://" + database.group(3);
        try (Connection connection = DriverManager.getConnection(url, database.group(1), database.group(2));
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(*) FROM orders WHERE total_cents IS DISTINCT FROM (total * 100)::bigint")) {
            row.next();
            return row.getLong(1);
        }
    }
}
