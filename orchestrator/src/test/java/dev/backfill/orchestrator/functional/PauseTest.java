package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What people want of a run takes effect at once, and costs no row. */
class PauseTest {

    private static final Duration BATCH = Duration.ofMillis(150);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int WORKERS = 2;
    private static final int ROWS = 4_000;

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

    @ParameterizedTest
    @ValueSource(strings = {"pause", "cancel"})
    void no_batch_is_committed_that_began_after_the_answer(String verb) throws Exception {
        PacedTable table = working(verb + "-now");

        JsonNode run = daemon.say(verb, table.name());
        Instant answered = table.now();
        long batches = table.batches();

        Sessions.awaitNone(database, table.name());
        assertThat(table.latestBegin())
                .as("but for one that was about to begin")
                .isBeforeOrEqualTo(answered.plusMillis(50));
        assertThat(table.batches()).isBetween(batches, batches + WORKERS);
        assertThat(daemon.state(table.name()))
                .isEqualTo(run.path("state").asString())
                .isEqualTo(verb.equals("pause") ? "PAUSED" : "CANCELLED");
        assertThat(daemon.run(table.name()).path("reason").asString())
                .startsWith(verb.equals("pause") ? "paused by" : "cancelled by");
        assertThat(daemon.run(table.name()).path("rows").path("changed").asLong())
                .isEqualTo(database.queryLong("SELECT count(*) FROM \"" + table.name() + "\" WHERE n = 1"));
        awaitNoThread(table.name(), run.path("id").asString());
    }

    @Test
    void paused_and_resumed_again_and_again_a_run_loses_and_doubles_nothing() throws Exception {
        PacedTable table = working("again");
        table.batchesLast(Duration.ofMillis(20));
        for (int i = 0; i < 5; i++) {
            daemon.say("pause", "again");
            long batches = table.batches();
            daemon.say("resume", "again");
            await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> table.batches() > batches + 2 * WORKERS);
        }
        assertThat(daemon.state("again")).isEqualTo("RUNNING");
        table.batchesLast(Duration.ZERO);
        daemon.awaitState("again", "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
        assertThat(daemon.run("again").path("rows").path("changed").asLong()).isEqualTo(ROWS);
    }

    @Test
    void a_failed_run_that_was_mended_succeeds_by_retry_and_changes_nothing_again() throws Exception {
        PacedTable table = PacedTable.create(database, "mended", 200, Duration.ZERO);
        daemon.register("mended", table.jobLeaving("n = 1 AND id IN (7, 77)"));
        daemon.awaitState("mended", "FAILED");
        JsonNode failed = daemon.run("mended");
        assertThat(failed.path("reason").asString()).isEqualTo("2 rows still meet `remaining`, the first at 7, 77");
        assertThat(failed.path("rows").path("remaining").asLong()).isEqualTo(2);

        database.execute("UPDATE mended SET n = 2 WHERE id IN (7, 77)");
        assertThat(daemon.say("retry", "mended").path("id")).isEqualTo(failed.path("id"));

        daemon.awaitState("mended", "SUCCEEDED");
        assertThat(table.changes()).containsExactly("1 x 198", "2 x 2");
        assertThat(proofs("mended")).isEqualTo("2, 0");
    }

    @Test
    void a_check_writes_a_new_proof_and_no_state() throws Exception {
        PacedTable table = PacedTable.create(database, "proven", 200, Duration.ZERO);
        daemon.register("proven", table.job());
        daemon.awaitState("proven", "SUCCEEDED");
        JsonNode before = daemon.run("proven");
        database.execute("UPDATE proven SET n = 0 WHERE id = 8");

        daemon.say("verify", "proven");

        await().dontCatchUncaughtExceptions()
                .atMost(PATIENCE)
                .until(() -> proofs("proven").equals("0, 1"));
        JsonNode after = daemon.run("proven");
        assertThat(after.path("state").asString()).isEqualTo("SUCCEEDED");
        assertThat(after.path("id")).isEqualTo(before.path("id"));
        assertThat(after.path("finished")).isEqualTo(before.path("finished"));
        assertThat(after.path("rows").path("remaining").asLong()).isOne();
        assertThat(table.changes()).containsExactly("0 x 1", "1 x 199");
    }

    private static PacedTable working(String job) throws Exception {
        PacedTable table = PacedTable.create(database, job, ROWS, BATCH);
        daemon.register(job, table.job("parallelism: " + WORKERS));
        await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> table.batches() >= 2 * WORKERS);
        return table;
    }

    private static String proofs(String job) throws Exception {
        return String.join(
                ", ",
                database.queryStrings("SELECT remaining FROM backfill.proof WHERE job = '" + job + "' ORDER BY id"));
    }

    private static void awaitNoThread(String job, String run) {
        await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(threads()).doesNotContain("\"backfill " + job + " ", run));
    }

    private static String threads() throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Process process = new ProcessBuilder(
                        jcmd.toString(), Long.toString(daemon.process().pid()), "Thread.print")
                .redirectErrorStream(true)
                .start();
        String threads = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        assertThat(threads).contains("\"dispatcher main\"");
        return threads;
    }
}
