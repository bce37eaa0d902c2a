package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Jobs that wait for others. */
class DependsOnTest {

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
    void a_run_begins_once_the_others_have_succeeded_and_stays_begun() throws Exception {
        PacedTable second = PacedTable.create(database, "second", ROWS, Duration.ofMillis(20));
        PacedTable first = PacedTable.create(database, "first", ROWS, Duration.ofMillis(400));
        String waits = second.job("depends-on: [{ job: first }]");
        Daemon.Answer registered = daemon.put("/api/v1/jobs/second", waits);
        assertThat(registered.body().at("/warnings/0").asString())
                .contains("depends on first, which is not registered");
        awaitHold("second", "first has no run yet, and it is not registered");

        daemon.register("first", first.job());
        awaitHold("second", "first: its latest run is RUNNING");
        daemon.say("pause", "first");
        awaitHold("second", "first: its latest run is PAUSED");
        assertThat(second.batches()).isZero();
        first.batchesLast(Duration.ZERO);
        daemon.say("resume", "first");

        daemon.awaitState("second", "RUNNING");
        assertThat(daemon.state("first")).isEqualTo("SUCCEEDED");
        daemon.say("start", "first");
        daemon.awaitState("second", "SUCCEEDED");
        second.assertEachRowWasChangedOnce();
        assertThat(daemon.run("second").path("hold").isNull()).isTrue();
    }

    @Test
    void circles_are_refused_at_their_place() throws Exception {
        PacedTable table = PacedTable.create(database, "circle", 1, Duration.ZERO);
        for (String[] job : new String[][] {{"c1", "c2"}, {"c2", "c3"}}) {
            daemon.register(job[0], named(table, job[0], job[1]));
        }
        Daemon.Answer refused = daemon.put("/api/v1/jobs/c3", named(table, "c3", "c1"));
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.body().at("/problems/0/message").asString())
                .isEqualTo("jobs would wait for each other for ever:"
                        + " c3, which depends on c1, which depends on c2, which depends on c3");
        assertThat(daemon.get("/api/v1/jobs/c3").status()).isEqualTo(404);
        daemon.register("c3", named(table, "c3", "c4"));
        daemon.say("cancel", "c1");
        assertThat(daemon.delete("/api/v1/jobs/c1").status()).isEqualTo(204);
        assertThat(daemon.put("/api/v1/jobs/c3", named(table, "c3", "c1")).status())
                .as("c1 is no more")
                .isEqualTo(200);
    }

    @Test
    void the_command_waits_too() throws Exception {
        PacedTable table = PacedTable.create(database, "late", ROWS, Duration.ZERO);
        PacedTable other = PacedTable.create(database, "early", ROWS, Duration.ofMillis(100));
        daemon.register("early", other.job());
        Path job = Files.writeString(directory.resolve("late.yaml"), table.job("depends-on: [{ job: early }]"));

        CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text()).contains("held: depends-on: early: its latest run is ");
        assertThat(daemon.state("early")).isEqualTo("SUCCEEDED");
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_run_that_something_else_holds_too_begins_only_if_the_others_have_succeeded_still() throws Exception {
        PacedTable later = PacedTable.create(database, "later", ROWS, Duration.ZERO);
        PacedTable before = PacedTable.create(database, "before", ROWS, Duration.ZERO);
        daemon.register("before", before.job());
        daemon.awaitState("before", "SUCCEEDED");
        assertThat(daemon.post("/api/v1/pause").status()).isEqualTo(200);
        daemon.register("later", later.job("depends-on: [{ job: before }]"));
        daemon.awaitRun("later", run -> run.at("/hold/reason").asString("").equals("stopped"));
        daemon.say("start", "before");
        daemon.say("pause", "before");
        assertThat(daemon.post("/api/v1/resume").status()).isEqualTo(200);

        awaitHold("later", "before: its latest run is PAUSED");
        assertThat(later.batches()).isZero();
        daemon.say("cancel", "before");
        awaitHold("later", "before: its latest run is CANCELLED");
        daemon.say("cancel", "later");
    }

    private static String named(PacedTable table, String name, String other) {
        return table.job("depends-on: [{ job: " + other + " }]").replace("job: circle", "job: " + name);
    }

    private static void awaitHold(String job, String detail) {
        daemon.awaitRun(job, run -> {
            JsonNode hold = run.path("hold");
            return hold.path("reason").asString("").equals("depends-on")
                    && hold.path("detail").asString("").equals(detail);
        });
    }
}
