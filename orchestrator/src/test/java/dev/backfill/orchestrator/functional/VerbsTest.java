package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.Daemon.Answer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** Every verb in every state does over HTTP what the table in {@code docs/operating.md} says. */
class VerbsTest {

    private static final Duration SLOW = Duration.ofMillis(200);
    private static final String DASH = "–";

    @TempDir
    private static Path directory;

    private static TestDatabase database;
    private static Daemon daemon;
    private static int jobs;

    private Connection other;

    /** Where the latest run of a job stands, and how it got there. */
    enum Standing {
        NONE("none yet", ""),
        PENDING("PENDING", "PENDING"),
        RUNNING("RUNNING", "RUNNING"),
        VERIFYING("VERIFYING", "VERIFYING"),
        PAUSED_FROM_PENDING("PAUSED", "PAUSED"),
        PAUSED_FROM_RUNNING("PAUSED", "PAUSED"),
        PAUSED_FROM_VERIFYING("PAUSED", "PAUSED"),
        SUCCEEDED("SUCCEEDED", "SUCCEEDED"),
        FAILED("FAILED", "FAILED"),
        CANCELLED("CANCELLED", "CANCELLED");

        private final String column;
        private final String state;

        Standing(String column, String state) {
            this.column = column;
            this.state = state;
        }
    }

    @BeforeAll
    static void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(directory, database);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @BeforeEach
    void connect() throws Exception {
        other = database.connect();
        other.setAutoCommit(false);
    }

    @AfterEach
    void cancelWhatIsLeft() throws Exception {
        other.close();
        for (String job : database.queryStrings("SELECT job FROM backfill.run WHERE finished IS NULL")) {
            daemon.post("/api/v1/jobs/" + job + "/cancel");
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_verb_does_what_the_table_says(Standing standing) throws Exception {
        Map<String, String> meanings = meanings(standing.column);
        assertThat(meanings.keySet()).containsExactly("cancel", "pause", "resume", "retry", "start", "verify");
        String idle = newJob(standing);
        for (Map.Entry<String, String> verb : meanings.entrySet()) {
            switch (verb.getValue()) {
                case DASH -> assertRefused(standing, verb.getKey(), idle);
                case "nothing" -> assertNothingChanges(standing, verb.getKey(), idle);
                default -> assertChanges(standing, verb.getKey(), verb.getValue());
            }
        }
    }

    private void assertRefused(Standing standing, String verb, String job) throws Exception {
        String before = history(job);

        Answer answer = daemon.post("/api/v1/jobs/" + job + "/" + verb);

        assertThat(answer.status())
                .as("%s %s: %s", verb, standing, answer.body())
                .isEqualTo(409);
        assertThat(answer.headers()).containsEntry("content-type", List.of("application/problem+json"));
        assertThat(answer.body().path("state").asString("")).isEqualTo(standing.state);
        assertThat(answer.body().path("title").asString()).isNotEmpty();
        assertThat(answer.body().path("detail").asString())
                .contains(standing == Standing.NONE ? "no run yet" : "the run is " + standing.state);
        assertThat(history(job)).as("%s %s", verb, standing).isEqualTo(before);
    }

    private void assertNothingChanges(Standing standing, String verb, String job) throws Exception {
        String before = history(job);

        JsonNode run = daemon.say(verb, job);

        assertThat(run.path("state").asString()).as("%s %s", verb, standing).isEqualTo(standing.state);
        assertThat(history(job)).as("%s %s", verb, standing).isEqualTo(before);
    }

    private void assertChanges(Standing standing, String verb, String meaning) throws Exception {
        String job = newJob(standing);
        String id = daemon.run(job).path("id").asString("");
        JsonNode run = daemon.say(verb, job);
        String event = standing.state + " -> ";
        switch (meaning) {
            case "new run" -> {
                assertThat(run.path("id").asString()).isNotEqualTo(id);
                assertThat(history(job).split("null -> PENDING", -1)).hasSize(id.isEmpty() ? 2 : 3);
            }
            case "paused" -> assertThat(history(job)).endsWith(event + "PAUSED");
            case "cancelled" -> assertThat(history(job)).endsWith(event + "CANCELLED");
            case "resumed" ->
                assertThat(history(job)).contains(event + standing.name().replace("PAUSED_FROM_", ""));
            case "`RUNNING`" -> {
                assertThat(history(job)).contains("FAILED -> RUNNING");
                daemon.awaitState(job, "FAILED");
            }
            case "checked" -> awaitEvent(job, "null -> checked");
            default -> throw new AssertionError("the table says: " + meaning);
        }
        if (!meaning.equals("new run")) {
            assertThat(daemon.run(job).path("id").asString()).isEqualTo(id);
        }
        if (meaning.equals("checked")) {
            assertThat(daemon.state(job)).isEqualTo(standing.state);
        }
    }

    /** A job of its own whose latest run stands so. */
    private String newJob(Standing standing) throws Exception {
        PacedTable table = PacedTable.create(database, "verb" + ++jobs, 2_000, Duration.ZERO);
        String job = table.name();
        switch (standing) {
            case NONE -> daemon.register(job, table.job("schedule: { start: manual }"));
            case PENDING, PAUSED_FROM_PENDING -> {
                daemon.register(job, table.job(closedWindow()));
                daemon.awaitRun(
                        job, run -> run.path("hold").path("reason").asString("").equals("window"));
            }
            case VERIFYING, PAUSED_FROM_VERIFYING -> {
                other.createStatement().execute("UPDATE pace SET seconds = 0 WHERE job = '" + job + "'");
                daemon.register(job, table.job());
                daemon.awaitRun(
                        job, run -> run.path("hold").path("reason").asString("").equals("open-transactions"));
            }
            case RUNNING, PAUSED_FROM_RUNNING, CANCELLED -> {
                table.batchesLast(SLOW);
                daemon.register(job, table.job());
                daemon.awaitState(job, "RUNNING");
            }
            case SUCCEEDED -> daemon.register(job, table.job());
            case FAILED -> daemon.register(job, table.jobLeaving("n >= 0"));
        }
        if (standing.state.equals("PAUSED")) {
            daemon.say("pause", job);
        } else if (standing == Standing.CANCELLED) {
            daemon.say("cancel", job);
        }
        daemon.awaitRun(job, run -> run.path("state").asString("").equals(standing.state));
        return job;
    }

    /** Windows that open in about twelve hours for a minute. */
    private static String closedWindow() {
        LocalTime opening = LocalTime.now(ZoneOffset.UTC).plusHours(12).truncatedTo(ChronoUnit.MINUTES);
        return "schedule: { windows: [{ from: \"%s\", to: \"%s\" }] }".formatted(opening, opening.plusMinutes(1));
    }

    /** What happened to the runs of a job, in order. */
    private static String history(String job) throws Exception {
        return String.join(
                ", ",
                database.queryStrings("SELECT coalesce(\"from\", 'null') || ' -> ' || \"to\" FROM backfill.event e"
                        + " JOIN backfill.run r ON r.id = e.run WHERE r.job = '" + job + "' ORDER BY e.id"));
    }

    private static void awaitEvent(String job, String event) {
        await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(30))
                .until(() -> history(job).contains(event));
    }

    /** What each verb means, by the column of the table. */
    private static Map<String, String> meanings(String column) throws IOException {
        List<List<String>> rows = Files.readAllLines(Path.of("../docs/operating.md")).stream()
                .dropWhile(line -> !line.startsWith("| | none yet |"))
                .takeWhile(line -> line.startsWith("|"))
                .map(line ->
                        Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
                .toList();
        String heading = column.equals("none yet") ? column : "`" + column + "`";
        int place = rows.get(0).indexOf(heading);
        Map<String, String> meanings = new TreeMap<>();
        rows.stream().skip(2).forEach(row -> meanings.put(row.get(1).replace("`", ""), row.get(place)));
        return meanings;
    }
}
