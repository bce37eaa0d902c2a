package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.Step.Cell;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A daemon that is killed at each statement that matters, and at the commit behind it: before the server has it, while
 * the server runs it, and before its answer arrives. The next daemon goes on, and nothing is lost or done twice.
 */
@Tag("fault")
class KillMatrixTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final int SIGKILL = 128 + 9;

    private static OwnServer server;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private FaultProxy proxy;
    private Random random;
    private int kills;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data, StatementLog.SETTINGS);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
        proxy = FaultProxy.to(database.server());
        random = Seed.random("kills");
    }

    @AfterEach
    void drop() throws Exception {
        proxy.close();
        database.close();
    }

    @Test
    void at_its_batches() throws Exception {
        try (Oracle oracle = oracle(20_000, 100)) {
            for (Moment moment : Moment.values()) {
                kill(Step.CHANGE.at(moment), 1 + random.nextInt(5));
                kill(Step.CHECKPOINT.at(moment), 1 + random.nextInt(5));
                kill(Step.CHECKPOINT.commit(moment), 1 + random.nextInt(5));
                kill(Step.CLAIM.at(moment), 1 + random.nextInt(2));
                kill(Step.CLAIM.commit(moment), 1 + random.nextInt(2));
            }
            finish(oracle);
        }
        assertThat(kills).isEqualTo(15);
    }

    @Test
    void at_what_begins_and_ends_a_run() throws Exception {
        try (Oracle oracle = oracle(600, 50)) {
            for (Step step : List.of(Step.REGISTRATION, Step.BEGIN, Step.END_OF_THE_WORK, Step.COUNT, Step.PROOF)) {
                for (Moment moment : Moment.values()) {
                    kill(step.at(moment), 1);
                }
                if (step != Step.COUNT) {
                    kill(step.commit(Moment.BEFORE), 1);
                    kill(step.commit(Moment.DURING), 1);
                }
            }
            finish(oracle);
        }
        assertThat(kills).isEqualTo(23);
    }

    @Test
    void when_these_are_committed_and_when_a_person_pauses_the_run() throws Exception {
        try (Oracle oracle = oracle(10_000, 50)) {
            kill(Step.REGISTRATION.commit(Moment.AFTER), 1);
            kill(Step.BEGIN.commit(Moment.AFTER), 1);
            for (Moment moment : Moment.values()) {
                kill(Step.CHANGE_OF_STATE.commit(moment), 1, daemon -> {
                    daemon.awaitReady();
                    daemon.post("/api/v1/jobs/" + Oracle.JOB + "/pause");
                });
                assertThat(database.queryStrings("SELECT state FROM backfill.run"))
                        .as("%s", moment)
                        .containsExactly(moment == Moment.BEFORE ? "RUNNING" : "PAUSED");
                if (moment != Moment.BEFORE) {
                    resume();
                }
            }
            kill(Step.END_OF_THE_WORK.commit(Moment.AFTER), 1);
            kill(Step.PROOF.commit(Moment.AFTER), 1);
            finish(oracle);
        }
        assertThat(kills).isEqualTo(7);
    }

    @Tag("storm")
    @Test
    void when_a_person_resumes_the_run() throws Exception {
        Call resume = daemon -> {
            awaitUnfinished(daemon);
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/pause");
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/resume");
        };
        try (Oracle oracle = oracle(20_000, 50)) {
            kill(Step.RESUMPTION.at(Moment.DURING), 1, resume);
            awaitState("PAUSED");
            kill(Step.RESUMPTION.commit(Moment.BEFORE), 1, resume);
            awaitState("PAUSED");
            kill(Step.RESUMPTION.commit(Moment.DURING), 1, resume);
            awaitState("RUNNING");
            kill(Step.RESUMPTION.commit(Moment.AFTER), 1, resume);
            awaitState("RUNNING");
            finish(oracle);
        }
        assertThat(kills).isEqualTo(4);
    }

    @Tag("storm")
    @ParameterizedTest
    @EnumSource(
            value = Moment.class,
            names = {"DURING", "AFTER"})
    void when_a_person_cancels_the_run(Moment last) throws Exception {
        try (Oracle oracle = oracle(20_000, 50)) {
            Call cancel = daemon -> {
                awaitUnfinished(daemon);
                await().atMost(PATIENCE).until(() -> oracle.batches() > 0);
                daemon.post("/api/v1/jobs/" + Oracle.JOB + "/cancel");
            };
            if (last == Moment.DURING) {
                kill(Step.CHANGE_OF_STATE.at(Moment.DURING), 1, cancel);
                awaitState("RUNNING");
                kill(Step.CHANGE_OF_STATE.commit(Moment.BEFORE), 1, cancel);
                awaitState("RUNNING");
            }
            kill(Step.CHANGE_OF_STATE.commit(last), 1, cancel);
            awaitState("CANCELLED");

            long batches = oracle.batches();
            try (Daemon daemon = daemon()) {
                daemon.awaitReady();
                assertThat(daemon.state(Oracle.JOB)).isEqualTo("CANCELLED");
            }
            assertThat(oracle.batches()).isEqualTo(batches).isPositive();
            oracle.assertNoneTwice();
        }
    }

    @Tag("storm")
    @Test
    void when_a_person_has_keys_tried_again_and_the_range_checked_again() throws Exception {
        database.execute("CREATE TABLE broken (healed boolean)", "INSERT INTO broken VALUES (false)");
        Call retry = daemon -> {
            daemon.awaitReady();
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/retry");
        };
        Call verify = daemon -> {
            daemon.awaitReady();
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/verify");
        };
        try (Oracle oracle = oracle(4_000, 100, "errors: { quarantine: 100 }")) {
            database.execute(
                    "CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                            + " PERFORM 1 / healed::int FROM broken; RETURN NEW; END'",
                    "CREATE TRIGGER break BEFORE UPDATE ON t FOR EACH ROW"
                            + " WHEN (OLD.counter < NEW.counter AND NEW.id % 800 = 0) EXECUTE FUNCTION break()");
            endIn("FAILED");
            kill(Step.RETRY.at(Moment.DURING), 1, retry);
            awaitState("FAILED");
            kill(Step.RETRY.commit(Moment.BEFORE), 1, retry);
            awaitState("FAILED");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                    .isPositive();
            kill(Step.RETRY.commit(Moment.DURING), 1, retry);
            awaitState("RUNNING");
            endIn("FAILED");
            database.execute("UPDATE broken SET healed = true");
            kill(Step.RETRY.commit(Moment.AFTER), 1, retry);
            endIn("SUCCEEDED");
            long proofs = proofs();

            kill(Step.ASKING_FOR_A_CHECK.at(Moment.DURING), 1, verify);
            kill(Step.ASKING_FOR_A_CHECK.commit(Moment.BEFORE), 1, verify);
            assertThat(proofs()).isEqualTo(proofs);
            kill(Step.ASKING_FOR_A_CHECK.commit(Moment.DURING), 1, verify);
            kill(Step.END_OF_A_CHECK.commit(Moment.BEFORE), 1);
            assertThat(proofs()).isEqualTo(proofs);
            kill(Step.END_OF_A_CHECK.commit(Moment.DURING), 1);
            kill(Step.ASKING_FOR_A_CHECK.commit(Moment.AFTER), 1, verify);
            try (Daemon daemon = daemon()) {
                daemon.awaitReady();
                await().atMost(PATIENCE).until(() -> proofs() == proofs + 2);
            }
            oracle.assertEachRowOnce();
        }
        awaitState("SUCCEEDED");
        assertThat(kills).isEqualTo(10);
    }

    @Tag("storm")
    @Test
    void when_a_person_stops_everything_and_lifts_the_stop() throws Exception {
        Call stop = daemon -> {
            awaitUnfinished(daemon);
            daemon.post("/api/v1/pause");
        };
        Call lift = daemon -> {
            awaitUnfinished(daemon);
            daemon.post("/api/v1/resume");
        };
        try (Oracle oracle = oracle(20_000, 50)) {
            kill(Step.STOP.at(Moment.DURING), 1, stop);
            awaitStops(0);
            kill(Step.STOP.commit(Moment.BEFORE), 1, stop);
            awaitStops(0);
            kill(Step.STOP.commit(Moment.DURING), 1, stop);
            awaitStops(1);
            kill(Step.LIFTING_THE_STOP.commit(Moment.BEFORE), 1, lift);
            awaitStops(1);
            kill(Step.LIFTING_THE_STOP.commit(Moment.DURING), 1, lift);
            awaitStops(0);
            kill(Step.STOP.commit(Moment.AFTER), 1, stop);
            awaitStops(1);
            kill(Step.LIFTING_THE_STOP.commit(Moment.AFTER), 1, daemon -> {
                awaitUnfinished(daemon);
                daemon.awaitRun(
                        Oracle.JOB,
                        run -> run.path("hold").path("reason").asString("").equals("stopped"));
                daemon.post("/api/v1/resume");
            });
            awaitStops(0);
            finish(oracle);
        }
        assertThat(kills).isEqualTo(7);
    }

    private static void awaitUnfinished(Daemon daemon) {
        daemon.awaitReady();
        daemon.awaitRun(
                Oracle.JOB,
                run -> List.of("RUNNING", "PAUSED").contains(run.path("state").asString("")));
    }

    private void awaitState(String state) {
        await().atMost(PATIENCE)
                .until(() ->
                        database.queryStrings("SELECT state FROM backfill.run").equals(List.of(state)));
    }

    private void awaitStops(long number) {
        await().atMost(PATIENCE).until(() -> database.queryLong("SELECT count(*) FROM backfill.switch") == number);
    }

    private long proofs() throws Exception {
        return database.queryLong("SELECT count(*) FROM backfill.proof");
    }

    private Oracle oracle(int rows, int keys, String... more) throws Exception {
        Oracle oracle = Oracle.create(database, rows);
        Path jobs = Files.createDirectories(directory.resolve("jobs"));
        String yaml = oracle.yaml(keys, Duration.ofMillis(30)) + String.join("\n", more);
        Files.writeString(jobs.resolve("oracle.yaml"), yaml);
        return oracle;
    }

    /** What is asked of a daemon; it may be gone before it has answered. */
    private interface Call {
        void to(Daemon daemon);
    }

    private void kill(Cell cell, int occurrence) throws Exception {
        kill(cell, occurrence, daemon -> {});
    }

    private void kill(Cell cell, int occurrence, Call call) throws Exception {
        CompletableFuture<Daemon> started = new CompletableFuture<>();
        Trap trap = proxy.at(cell.moment(), cell.statement(), occurrence, () -> kill(started.join()));
        int logged = server.log().length();
        try (Daemon daemon = daemon()) {
            started.complete(daemon);
            CompletableFuture<Void> called = CompletableFuture.runAsync(() -> call.to(daemon));
            try {
                trap.awaitSprung(PATIENCE);
            } catch (AssertionError e) {
                throw new AssertionError(cell + " was not met" + daemon.process(), e);
            }
            assertThat(daemon.process().waitFor(PATIENCE)).as("%s", cell).isEqualTo(SIGKILL);
            called.exceptionally(broken -> null).join();
        }
        await().alias(cell + " is in the server's log, or is not").untilAsserted(() -> {
            String log = server.log().substring(logged);
            assertHit(cell, trap.sent(), StatementLog.of(trap.backend(), log));
        });
        kills++;
        Faults.made(Faults.Kind.KILL);
    }

    /** The session has carried out what was sent before, and this then, unless the server was not to get it. */
    private static void assertHit(Cell cell, String sent, StatementLog session) {
        boolean commit = FaultProxy.COMMIT.test(cell.part());
        if (commit) {
            assertThat(session.hasInItsLastTransaction(cell.step().part())).isTrue();
        }
        if (cell.moment() != Moment.BEFORE) {
            assertThat(session.last()).contains(cell.part());
        } else {
            assertThat(session.endsAsIn(sent))
                    .as("%s ends as %s", session, sent)
                    .isTrue();
        }
    }

    private static void kill(Daemon daemon) {
        try {
            daemon.process().kill9();
            daemon.process().waitFor(PATIENCE);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void resume() throws Exception {
        try (Daemon daemon = daemon()) {
            daemon.awaitReady();
            daemon.say("resume", Oracle.JOB);
        }
    }

    private void finish(Oracle oracle) throws Exception {
        oracle.faultIsOver();
        endIn("SUCCEEDED");
        oracle.assertExactlyOnce();
    }

    private void endIn(String state) throws Exception {
        try (Daemon daemon = daemon()) {
            daemon.awaitReady();
            daemon.awaitState(Oracle.JOB, state);
        }
    }

    private Daemon daemon() throws IOException {
        return Daemon.startUnready(
                directory,
                UnaryOperator.identity(),
                Map.of("main", database.jdbcUrl(TestPostgres.SUPERUSER, proxy)),
                "lease = 2s");
    }
}
