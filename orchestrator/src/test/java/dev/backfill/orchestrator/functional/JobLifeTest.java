package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.Daemon.Answer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** From the file in the directory, or the request, to the proof. */
class JobLifeTest {

    private static final Duration PATIENCE = Duration.ofSeconds(45);
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final int ROWS = 400;

    @TempDir
    private static Path directory;

    private static TestDatabase database;
    private static Daemon daemon;

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

    @Test
    void a_file_becomes_a_job_whose_run_succeeds_with_events_proof_and_metrics() throws Exception {
        PacedTable table = PacedTable.create(database, "by-file", ROWS, Duration.ZERO);
        file("by-file", table.job());

        daemon.awaitState("by-file", "SUCCEEDED");

        table.assertEachRowWasChangedOnce();
        JsonNode job = daemon.get("/api/v1/jobs/by-file").body();
        assertThat(job.path("revision").asInt()).isOne();
        assertThat(job.path("origin").asString()).isEqualTo("file");
        assertSucceededOnce("by-file", "registered by file");
    }

    @Test
    void a_request_does_the_same() throws Exception {
        PacedTable table = PacedTable.create(database, "by-put", ROWS, Duration.ZERO);

        Answer answer = daemon.put("/api/v1/jobs/by-put", table.job());

        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        assertThat(answer.body().path("changed").asBoolean()).isTrue();
        assertThat(answer.body().path("origin").asString()).isEqualTo("api");
        daemon.awaitState("by-put", "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
        assertSucceededOnce("by-put", "registered by api");
    }

    @Test
    void the_same_content_twice_changes_nothing() throws Exception {
        PacedTable table = PacedTable.create(database, "twice", ROWS, Duration.ZERO);
        daemon.register("twice", table.job());
        daemon.awaitState("twice", "SUCCEEDED");
        String before = history("twice");

        Answer answer = daemon.put("/api/v1/jobs/twice", "# said again\n" + table.job());

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().path("changed").asBoolean()).isFalse();
        file("twice", "# and in a file\n" + table.job());
        awaitSeen("twice");
        assertThat(daemon.get("/api/v1/jobs/twice").body().path("revision").asInt())
                .isOne();
        assertThat(history("twice")).isEqualTo(before);
    }

    @Test
    void a_changed_file_is_a_new_revision_and_leaves_the_run_under_way_alone() throws Exception {
        PacedTable table = PacedTable.create(database, "edited", ROWS, BATCH);
        file("edited", table.job());
        daemon.awaitState("edited", "RUNNING");

        file("edited", table.job("description: edited in mid-run").replace("n + 1", "n + 100"));

        awaitRevision("edited", 2);
        assertThat(daemon.run("edited").path("state").asString()).isEqualTo("RUNNING");
        daemon.awaitState("edited", "SUCCEEDED");
        assertThat(daemon.run("edited").path("revision").asInt()).isOne();
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void an_edited_job_that_has_finished_waits_for_start_and_then_runs_as_it_is_now() throws Exception {
        PacedTable table = PacedTable.create(database, "finished", ROWS, Duration.ZERO);
        file("finished", table.job());
        daemon.awaitState("finished", "SUCCEEDED");
        String first = daemon.run("finished").path("id").asString();

        file("finished", table.job("description: Better words").replace("n + 1", "n + 100"));
        awaitRevision("finished", 2);
        await().dontCatchUncaughtExceptions()
                .during(Duration.ofMillis(1_500))
                .atMost(PATIENCE)
                .until(() -> daemon.run("finished").path("id").asString().equals(first));
        assertThat(daemon.get("/api/v1/jobs/finished")
                        .body()
                        .path("description")
                        .asString())
                .isEqualTo("Better words");

        daemon.say("start", "finished");
        daemon.awaitRun("finished", run -> !run.path("id").asString().equals(first));
        daemon.awaitState("finished", "SUCCEEDED");
        assertThat(daemon.run("finished").path("revision").asInt()).isEqualTo(2);
        assertThat(table.changes()).containsExactly("101 x " + ROWS);
    }

    @Test
    void a_broken_file_changes_nothing_and_is_said_with_line_and_column() throws Exception {
        PacedTable table = PacedTable.create(database, "broken", ROWS, Duration.ZERO);
        file("broken", table.job("schedule: { start: manual }"));
        awaitRevision("broken", 1);

        file("broken", "version: 1\njob: broken\ntable: broken\n  range: nonsense\n");
        awaitLog("broken.yaml:4:");
        file("broken", table.job("schedule: { start: manual }", "batches: 7"));
        awaitLog("broken.yaml:11:1: ");

        assertThat(daemon.process().errors()).contains("job file cannot be used; what was registered before stays");
        assertThat(daemon.get("/api/v1/jobs/broken").body().path("revision").asInt())
                .isOne();
        Answer start = daemon.post("/api/v1/jobs/broken/start");
        assertThat(start.status()).isEqualTo(200);
        daemon.awaitState("broken", "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_file_that_is_being_written_is_read_when_it_stands_still() throws Exception {
        PacedTable table = PacedTable.create(database, "growing", ROWS, Duration.ZERO);
        String yaml = table.job("schedule: { start: manual }", "description: all of it");
        Path file = Files.createFile(directory.resolve("jobs").resolve("growing.yaml"));
        long said = daemon.process()
                .errors()
                .lines()
                .filter(line -> line.contains("growing.yaml"))
                .count();
        for (String line : yaml.lines().toList()) {
            Files.writeString(file, line + "\n", StandardOpenOption.APPEND);
            Thread.sleep(150); // a writer that is slow, but never still for a second
        }

        awaitRevision("growing", 1);

        assertThat(daemon.get("/api/v1/jobs/growing").body().path("description").asString())
                .isEqualTo("all of it");
        assertThat(daemon.process()
                        .errors()
                        .lines()
                        .filter(line -> line.contains("growing.yaml") && line.contains(" WARN "))
                        .count())
                .as("complaints about half a file")
                .isEqualTo(said);
    }

    @Test
    void a_file_that_disappears_leaves_job_and_run_alone() throws Exception {
        PacedTable table = PacedTable.create(database, "gone", ROWS, BATCH);
        file("gone", table.job());
        daemon.awaitState("gone", "RUNNING");

        Files.delete(directory.resolve("jobs").resolve("gone.yaml"));

        daemon.awaitState("gone", "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
        assertThat(daemon.get("/api/v1/jobs/gone").status()).isEqualTo(200);
        daemon.say("start", "gone");
        daemon.awaitRun("gone", run -> run.path("state").asString("").equals("RUNNING"));
        daemon.say("cancel", "gone");
    }

    @Test
    void an_unregistered_job_comes_back_only_when_its_file_changes() throws Exception {
        PacedTable table = PacedTable.create(database, "deleted", ROWS, BATCH);
        file("deleted", table.job());
        daemon.awaitState("deleted", "RUNNING");
        Answer refused = daemon.delete("/api/v1/jobs/deleted");
        assertThat(refused.status()).as("%s", refused.body()).isEqualTo(409);
        assertThat(refused.body().path("state").asString()).isEqualTo("RUNNING");
        table.batchesLast(Duration.ZERO);
        daemon.awaitState("deleted", "SUCCEEDED");

        assertThat(daemon.delete("/api/v1/jobs/deleted").status()).isEqualTo(204);

        Path file = directory.resolve("jobs").resolve("deleted.yaml");
        Files.writeString(file, "# touched\n" + Files.readString(file));
        await().dontCatchUncaughtExceptions()
                .during(Duration.ofMillis(2_500))
                .atMost(PATIENCE)
                .until(() -> daemon.get("/api/v1/jobs/deleted").status() == 404);
        assertThat(daemon.post("/api/v1/jobs/deleted/start").status()).isEqualTo(404);
        file("deleted", table.job("description: wanted after all"));
        awaitRevision("deleted", 2);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.run WHERE job = 'deleted'"))
                .isOne();
        table.assertEachRowWasChangedOnce();
    }

    private static void assertSucceededOnce(String job, String registered) throws Exception {
        assertThat(history(job))
                .isEqualTo(
                        "null -> revision 1, null -> PENDING, PENDING -> RUNNING, RUNNING -> VERIFYING, VERIFYING -> SUCCEEDED");
        JsonNode events = daemon.get("/api/v1/events?job=" + job).body().path("events");
        assertThat(events.size()).isEqualTo(5);
        assertThat(events.path(0).path("detail").toString()).contains(registered);
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof WHERE job = '" + job + "'"))
                .containsExactly("0");
        JsonNode proof = daemon.get("/api/v1/jobs/" + job + "/proof").body().at("/proofs/0");
        assertThat(proof.path("remaining").asInt(-1)).isZero();
        assertThat(proof.path("run").asString())
                .isEqualTo(daemon.run(job).path("id").asString());
        assertThat(proof.at("/range/end/0").asString()).isEqualTo(Integer.toString(ROWS));
        assertThat(proof.path("snapshot").asLong()).isPositive();
        String labels = "{backfill=\"" + job + "\",database=\"main\"";
        assertThat(daemon.metrics())
                .contains("backfill_rows_scanned_total" + labels + "} " + ROWS)
                .contains("backfill_rows_changed_total" + labels + "} " + ROWS)
                .contains("backfill_batches_total" + labels + ",outcome=\"committed\"} " + ROWS / PacedTable.BATCH)
                .contains("backfill_run_state" + labels + ",state=\"SUCCEEDED\"} 1")
                .contains("backfill_progress_ratio" + labels + "} 1");
    }

    /** What happened to a job and its runs, in order. */
    private static String history(String job) throws Exception {
        return String.join(
                ", ",
                database.queryStrings("SELECT coalesce(\"from\", 'null') || ' -> ' || \"to\" FROM backfill.event e"
                        + " WHERE e.subject = '" + job + "' OR e.run IN (SELECT id FROM backfill.run WHERE job = '"
                        + job + "') ORDER BY id"));
    }

    private static void file(String job, String content) throws Exception {
        daemon.jobFile(directory, job + ".yaml", content);
    }

    private static void awaitRevision(String job, int revision) {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .until(() -> daemon.get("/api/v1/jobs/" + job)
                                .body()
                                .path("revision")
                                .asInt(0)
                        == revision);
    }

    /** Waits until the daemon has read the job's file. */
    private static void awaitSeen(String job) {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .until(() -> database.queryLong("SELECT count(*) FROM backfill.file_sighting WHERE job = '" + job + "'")
                        == 1);
    }

    private static void awaitLog(String text) {
        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .until(() -> daemon.process().errors().contains(text));
    }
}
