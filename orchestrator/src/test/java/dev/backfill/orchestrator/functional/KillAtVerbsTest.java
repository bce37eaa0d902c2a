package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.KilledDaemons.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.KilledDaemons.Call;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same as {@link KillMatrixTest} of a daemon that a person has asked for something: it is done whole or not at all. */
@Tag("storm")
class KillAtVerbsTest {

    private static OwnServer server;

    @TempDir
    private Path directory;

    private KilledDaemons daemons;
    private TestDatabase database;

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
        daemons = KilledDaemons.on(server, directory);
        database = daemons.database();
    }

    @AfterEach
    void drop() throws Exception {
        daemons.close();
    }

    @Test
    void when_a_person_resumes_the_run() throws Exception {
        Call resume = daemon -> {
            awaitUnfinished(daemon);
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/pause");
            daemon.post("/api/v1/jobs/" + Oracle.JOB + "/resume");
        };
        try (Oracle oracle = daemons.oracle(20_000, 50)) {
            daemons.kill(Step.RESUMPTION.at(Moment.DURING), 1, resume);
            daemons.awaitState("PAUSED");
            daemons.kill(Step.RESUMPTION.commit(Moment.BEFORE), 1, resume);
            daemons.awaitState("PAUSED");
            daemons.kill(Step.RESUMPTION.commit(Moment.DURING), 1, resume);
            daemons.awaitState("RUNNING");
            daemons.kill(Step.RESUMPTION.commit(Moment.AFTER), 1, resume);
            daemons.awaitState("RUNNING");
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(
            value = Moment.class,
            names = {"DURING", "AFTER"})
    void when_a_person_cancels_the_run(Moment last) throws Exception {
        try (Oracle oracle = daemons.oracle(20_000, 50)) {
            Call cancel = daemon -> {
                awaitUnfinished(daemon);
                await().atMost(PATIENCE).until(() -> oracle.batches() > 0);
                daemon.post("/api/v1/jobs/" + Oracle.JOB + "/cancel");
            };
            if (last == Moment.DURING) {
                daemons.kill(Step.CHANGE_OF_STATE.at(Moment.DURING), 1, cancel);
                daemons.awaitState("RUNNING");
                daemons.kill(Step.CHANGE_OF_STATE.commit(Moment.BEFORE), 1, cancel);
                daemons.awaitState("RUNNING");
            }
            daemons.kill(Step.CHANGE_OF_STATE.commit(last), 1, cancel);
            daemons.awaitState("CANCELLED");

            long batches = oracle.batches();
            oracle.faultIsOver();
            try (Daemon daemon = daemons.start()) {
                daemon.awaitReady();
                assertThat(daemon.state(Oracle.JOB)).isEqualTo("CANCELLED");
            }
            assertThat(oracle.batches()).isEqualTo(batches).isPositive();
            oracle.assertNoneTwice();
        }
    }

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
        try (Oracle oracle = daemons.oracle(4_000, 100, "errors: { quarantine: 100 }")) {
            database.execute(
                    "CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                            + " PERFORM 1 / healed::int FROM broken; RETURN NEW; END'",
                    "CREATE TRIGGER break BEFORE UPDATE ON t FOR EACH ROW"
                            + " WHEN (OLD.counter < NEW.counter AND NEW.id % 800 = 0) EXECUTE FUNCTION break()");
            daemons.endIn("FAILED");
            daemons.kill(Step.RETRY.at(Moment.DURING), 1, retry);
            daemons.awaitState("FAILED");
            daemons.kill(Step.RETRY.commit(Moment.BEFORE), 1, retry);
            daemons.awaitState("FAILED");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                    .isPositive();
            daemons.kill(Step.RETRY.commit(Moment.DURING), 1, retry);
            daemons.awaitState("RUNNING");
            daemons.endIn("FAILED");
            database.execute("UPDATE broken SET healed = true");
            daemons.kill(Step.RETRY.commit(Moment.AFTER), 1, retry);
            daemons.endIn("SUCCEEDED");
            long proofs = proofs();

            daemons.kill(Step.ASKING_FOR_A_CHECK.at(Moment.DURING), 1, verify);
            daemons.kill(Step.ASKING_FOR_A_CHECK.commit(Moment.BEFORE), 1, verify);
            assertThat(proofs()).isEqualTo(proofs);
            daemons.kill(Step.ASKING_FOR_A_CHECK.commit(Moment.DURING), 1, verify);
            daemons.kill(Step.END_OF_A_CHECK.commit(Moment.BEFORE), 1);
            assertThat(proofs()).isEqualTo(proofs);
            daemons.kill(Step.END_OF_A_CHECK.commit(Moment.DURING), 1);
            daemons.kill(Step.ASKING_FOR_A_CHECK.commit(Moment.AFTER), 1, verify);
            oracle.faultIsOver();
            try (Daemon daemon = daemons.start()) {
                daemon.awaitReady();
                await().atMost(PATIENCE).until(() -> proofs() == proofs + 2);
            }
            oracle.assertEachRowOnce();
        }
        daemons.awaitState("SUCCEEDED");
        assertThat(daemons.kills()).isEqualTo(10);
    }

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
        try (Oracle oracle = daemons.oracle(20_000, 50)) {
            daemons.kill(Step.STOP.at(Moment.DURING), 1, stop);
            awaitStops(0);
            daemons.kill(Step.STOP.commit(Moment.BEFORE), 1, stop);
            awaitStops(0);
            daemons.kill(Step.STOP.commit(Moment.DURING), 1, stop);
            awaitStops(1);
            daemons.kill(Step.LIFTING_THE_STOP.commit(Moment.BEFORE), 1, lift);
            awaitStops(1);
            daemons.kill(Step.LIFTING_THE_STOP.commit(Moment.DURING), 1, lift);
            awaitStops(0);
            daemons.kill(Step.STOP.commit(Moment.AFTER), 1, stop);
            awaitStops(1);
            daemons.kill(Step.LIFTING_THE_STOP.commit(Moment.AFTER), 1, daemon -> {
                awaitUnfinished(daemon);
                daemon.awaitRun(
                        Oracle.JOB,
                        run -> run.path("hold").path("reason").asString("").equals("stopped"));
                daemon.post("/api/v1/resume");
            });
            awaitStops(0);
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(7);
    }

    private static void awaitUnfinished(Daemon daemon) {
        daemon.awaitReady();
        daemon.awaitRun(
                Oracle.JOB,
                run -> List.of("RUNNING", "PAUSED").contains(run.path("state").asString("")));
    }

    private void awaitStops(long number) {
        await().atMost(PATIENCE).until(() -> database.queryLong("SELECT count(*) FROM backfill.switch") == number);
    }

    private long proofs() throws Exception {
        return database.queryLong("SELECT count(*) FROM backfill.proof");
    }
}
