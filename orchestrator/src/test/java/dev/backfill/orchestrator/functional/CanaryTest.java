package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A run that pauses itself once, after the first part of its range. */
class CanaryTest {

    private static final int ROWS = 3_000;
    private static final int PART = 300;

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
    @ValueSource(ints = {1, 2})
    void it_pauses_once_near_its_part_and_goes_to_the_end_when_resumed(int workers) throws Exception {
        PacedTable table = PacedTable.create(database, "canary" + workers, ROWS, Duration.ofMillis(20));
        String job = table.name();
        daemon.register(job, table.job("parallelism: " + workers, "schedule: { pause-after: 10% }"));

        daemon.awaitState(job, "PAUSED");
        Sessions.awaitNone(database, job);
        JsonNode paused = daemon.run(job);
        assertThat(paused.path("reason").asString())
                .isEqualTo("pause-after: 10% of the range is done; look at it, then resume");
        assertThat(paused.path("rows").path("scanned").asInt())
                .as("the other workers end the batches that they are in")
                .isBetween(PART, PART + (workers - 1) * 2 * PacedTable.BATCH);
        assertThat(table.changes())
                .isEqualTo(java.util.List.of(
                        "0 x " + (ROWS - paused.path("rows").path("scanned").asInt()),
                        "1 x " + paused.path("rows").path("scanned").asInt()));

        daemon.say("resume", job);
        daemon.awaitState(job, "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
        assertThat(database.queryLong("SELECT count(*) FROM backfill.event WHERE \"to\" = 'PAUSED' AND run = '"
                        + paused.path("id").asString() + "'"))
                .as("pauses")
                .isOne();
    }

    @Test
    void a_part_that_was_passed_without_its_pause_is_made_up_for() throws Exception {
        PacedTable table = PacedTable.create(database, "passed", ROWS, Duration.ofMillis(10));
        String job = table.name();
        daemon.register(job, table.job("schedule: { pause-after: 10% }"));
        daemon.awaitState(job, "PAUSED");
        // What a daemon leaves that died between the batch and the pause.
        database.execute("UPDATE backfill.run SET canary = NULL WHERE job = '" + job + "'");

        daemon.say("resume", job);
        daemon.awaitState(job, "PAUSED");
        assertThat(daemon.run(job).path("reason").asString()).startsWith("pause-after: 10%");
        daemon.say("resume", job);
        daemon.awaitState(job, "SUCCEEDED");

        table.assertEachRowWasChangedOnce();
        assertThat(table.batches()).as("no batch is cut to a single key").isLessThan(2L * ROWS / PacedTable.BATCH);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void its_next_run_pauses_again(int workers) throws Exception {
        PacedTable table = PacedTable.create(database, "again" + workers, ROWS, Duration.ZERO);
        String job = table.name();
        daemon.register(job, table.job("parallelism: " + workers, "schedule: { pause-after: 10% }"));
        daemon.awaitState(job, "PAUSED");
        daemon.say("cancel", job);

        JsonNode second = daemon.say("start", job);

        daemon.awaitState(job, "PAUSED");
        assertThat(daemon.run(job).path("id")).isEqualTo(second.path("id"));
        assertThat(daemon.run(job).path("reason").asString()).startsWith("pause-after: 10% of the range is done");
        daemon.say("cancel", job);
    }
}
