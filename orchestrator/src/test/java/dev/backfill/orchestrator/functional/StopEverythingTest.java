package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** One switch holds every run in every database, for all daemons, until it is lifted. */
class StopEverythingTest {

    private static final Duration BATCH = Duration.ofMillis(50);
    private static final Duration SHORT = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestDatabase other;
    private Path stopFile;
    private Daemon daemon;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        other = TestPostgres.newest().newDatabase();
        stopFile = directory.resolve("STOP");
        daemon = daemon();
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
        other.close();
        database.close();
    }

    @Test
    void it_holds_all_runs_over_a_restart_and_resumes_nothing_that_a_person_paused() throws Exception {
        PacedTable moving = working("moving", database, "main");
        PacedTable elsewhere = working("elsewhere", other, "other");
        PacedTable paused = working("paused", database, "main");
        daemon.say("pause", "paused");

        JsonNode answer =
                daemon.post("/api/v1/pause", "{\"reason\": \"incident 7\"}").body();

        assertThat(answer.path("stopped").asBoolean()).as("%s", answer).isTrue();
        awaitStopped("moving", "RUNNING", "incident 7");
        awaitStopped("elsewhere", "RUNNING", "incident 7");
        assertStandStill(moving, elsewhere, paused);
        assertMetricsSayStopped();

        daemon.process().sigterm();
        assertThat(daemon.process().waitFor(Duration.ofSeconds(6))).isZero();
        daemon = daemon();
        PacedTable late = PacedTable.create(database, "late", 2_000, BATCH);
        daemon.register("late", late.job("database: main"));
        awaitStopped("moving", "RUNNING", "incident 7");
        awaitStopped("elsewhere", "RUNNING", "incident 7");
        awaitStopped("late", "PENDING", "incident 7");
        assertStandStill(moving, elsewhere, paused, late);
        assertThat(daemon.state("paused")).isEqualTo("PAUSED");

        assertThat(daemon.post("/api/v1/resume").body().path("stopped").asBoolean())
                .isFalse();

        for (PacedTable each : new PacedTable[] {moving, elsewhere, late}) {
            each.batchesLast(Duration.ZERO);
            daemon.awaitState(each.name(), "SUCCEEDED");
            each.assertEachRowWasChangedOnce();
        }
        assertThat(daemon.state("paused")).isEqualTo("PAUSED");
        assertStandStill(paused);
        assertThat(daemon.metrics()).contains("backfill_pace_ratio{database=\"main\",governor=\"stopped\"} 1");
        assertThat(database.queryStrings("SELECT \"to\" FROM backfill.event WHERE subject_kind = 'switch' ORDER BY id"))
                .containsExactly("stopped", "released");
    }

    @Test
    void while_the_stop_file_is_there_nothing_moves() throws Exception {
        PacedTable moving = working("moving", database, "main");
        PacedTable elsewhere = working("elsewhere", other, "other");

        Files.createFile(stopFile);

        awaitStopped("moving", "RUNNING", "the stop file " + stopFile + " is there");
        awaitStopped("elsewhere", "RUNNING", "the stop file " + stopFile + " is there");
        assertStandStill(moving, elsewhere);
        assertMetricsSayStopped();
        JsonNode lifted = daemon.post("/api/v1/resume").body();
        assertThat(lifted.path("stopped").asBoolean())
                .as("the file is still there: %s", lifted)
                .isTrue();
        assertStandStill(moving, elsewhere);

        Files.delete(stopFile);
        for (PacedTable each : new PacedTable[] {moving, elsewhere}) {
            each.batchesLast(Duration.ZERO);
            daemon.awaitState(each.name(), "SUCCEEDED");
            each.assertEachRowWasChangedOnce();
        }
    }

    @Test
    void a_run_in_the_foreground_obeys_too() throws Exception {
        PacedTable table = PacedTable.create(database, "foreground", 2_000, BATCH);
        Path file = Files.writeString(directory.resolve("foreground.yaml"), table.job());
        String[] call = {"run", file.toString(), "--database", database.jdbcUrl()};
        daemon.post("/api/v1/pause", "{\"reason\": \"incident 8\"}");
        try (BackfillProcess process = BackfillProcess.start(call)) {
            awaitSaid(process, "held: stopped: everything was stopped by", 1);
            assertThat(process.errors()).contains("incident 8");
            assertThat(table.batches()).isZero();

            daemon.post("/api/v1/resume");
            awaitBatches(table, 3);
            daemon.post("/api/v1/pause", "{\"reason\": \"incident 9\"}");
            awaitSaid(process, "incident 9", 1);
            assertStandStill(table);

            daemon.post("/api/v1/resume");
            table.batchesLast(Duration.ZERO);
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        table.assertEachRowWasChangedOnce();
    }

    private Daemon daemon() throws IOException {
        return Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl(), "other", other.jdbcUrl()),
                "lease = 2s",
                "stop-file = \"" + stopFile + "\"");
    }

    private PacedTable working(String job, TestDatabase where, String called) throws Exception {
        PacedTable table = PacedTable.create(where, job, 4_000, BATCH);
        daemon.register(job, table.job("database: " + called));
        awaitBatches(table, 2);
        return table;
    }

    private void awaitStopped(String job, String state, String detail) {
        daemon.awaitRun(
                job,
                run -> run.path("state").asString().equals(state)
                        && run.path("hold").path("reason").asString("").equals("stopped")
                        && run.path("hold").path("detail").asString().contains(detail));
    }

    private void assertMetricsSayStopped() throws Exception {
        String held = "backfill_hold_seconds_total{backfill=\"moving\",database=\"main\",reason=\"stopped\"}";
        await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> number(daemon.metrics(), held) >= 1);
        String metrics = daemon.metrics();
        assertThat(number(metrics, "backfill_hold{backfill=\"moving\",database=\"main\",reason=\"stopped\"}"))
                .isEqualTo(1);
        for (String each : new String[] {"main", "other"}) {
            assertThat(number(metrics, "backfill_pace_ratio{database=\"" + each + "\",governor=\"stopped\"}"))
                    .isZero();
        }
    }

    /** The value of a series; -1 when it is not there. */
    private static double number(String metrics, String series) {
        Matcher line =
                Pattern.compile("(?m)^" + Pattern.quote(series) + " (.*)$").matcher(metrics);
        return line.find() ? Double.parseDouble(line.group(1)) : -1;
    }

    private static void assertStandStill(PacedTable... tables) throws Exception {
        for (PacedTable table : tables) {
            Sessions.awaitNoTransaction(table.database(), table.name());
        }
        long before = batches(tables);
        await().dontCatchUncaughtExceptions().during(SHORT).atMost(PATIENCE).until(() -> batches(tables) == before);
    }

    private static long batches(PacedTable... tables) throws Exception {
        long sum = 0;
        for (PacedTable table : tables) {
            sum += table.batches();
        }
        return sum;
    }

    private static void awaitBatches(PacedTable table, long least) {
        await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> table.batches() >= least);
    }

    private static void awaitSaid(BackfillProcess process, String text, int times) {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .until(() -> process.errors().split(Pattern.quote(text), -1).length > times);
    }
}
