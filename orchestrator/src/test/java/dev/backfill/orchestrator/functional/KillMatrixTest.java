package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.KilledDaemons.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon that is killed at each statement that matters, and at the commit behind it: before the server has it, while
 * the server runs it, and before its answer arrives. The next daemon goes on, and nothing is lost or done twice.
 */
@Tag("fault")
class KillMatrixTest {

    private static OwnServer server;

    @TempDir
    private Path directory;

    private KilledDaemons daemons;
    private TestDatabase database;
    private Random random;

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
        random = Seed.random("kills");
    }

    @AfterEach
    void drop() throws Exception {
        daemons.close();
    }

    @Test
    void at_its_batches() throws Exception {
        try (Oracle oracle = daemons.oracle(20_000, 100)) {
            for (Moment moment : Moment.values()) {
                daemons.kill(Step.CHANGE.at(moment), 1 + random.nextInt(5));
                daemons.kill(Step.CHECKPOINT.at(moment), 1 + random.nextInt(5));
                daemons.kill(Step.CHECKPOINT.commit(moment), 1 + random.nextInt(5));
                daemons.kill(Step.CLAIM.at(moment), 1 + random.nextInt(2));
                daemons.kill(Step.CLAIM.commit(moment), 1 + random.nextInt(2));
            }
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(15);
    }

    /** The run begins with one slice and four workers. */
    @Test
    void as_it_cuts_a_slice_in_two_for_an_idle_worker() throws Exception {
        try (Oracle oracle = Oracle.create(database, 1_200)) {
            daemons.write(oracle.yaml(25, KilledDaemons.BATCH).replace("parallelism: 2", "parallelism: 4"));
            for (Moment moment : Moment.values()) {
                daemons.kill(Step.SPLIT.at(moment), 1);
            }
            daemons.kill(Step.FREE_PART_OF_A_SPLIT.commit(Moment.BEFORE), 1);
            awaitSlices(1);
            daemons.kill(Step.FREE_PART_OF_A_SPLIT.commit(Moment.DURING), 1);
            awaitSlices(2);
            daemons.kill(Step.FREE_PART_OF_A_SPLIT.commit(Moment.AFTER), 1);
            awaitSlices(3);
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(6);
    }

    @Test
    void at_what_begins_and_ends_a_run() throws Exception {
        try (Oracle oracle = daemons.oracle(600, 50)) {
            for (Step step : List.of(Step.REGISTRATION, Step.BEGIN, Step.END_OF_THE_WORK, Step.COUNT, Step.PROOF)) {
                for (Moment moment : Moment.values()) {
                    daemons.kill(step.at(moment), 1);
                }
                if (step != Step.COUNT) {
                    daemons.kill(step.commit(Moment.BEFORE), 1);
                    daemons.kill(step.commit(Moment.DURING), 1);
                }
            }
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(23);
    }

    @Test
    void when_these_are_committed_and_when_a_person_pauses_the_run() throws Exception {
        try (Oracle oracle = daemons.oracle(10_000, 50)) {
            daemons.kill(Step.REGISTRATION.commit(Moment.AFTER), 1);
            daemons.kill(Step.BEGIN.commit(Moment.AFTER), 1);
            for (Moment moment : Moment.values()) {
                daemons.kill(Step.CHANGE_OF_STATE.commit(moment), 1, daemon -> {
                    daemon.awaitReady();
                    daemon.post("/api/v1/jobs/" + Oracle.JOB + "/pause");
                });
                assertThat(database.queryStrings("SELECT state FROM backfill.run"))
                        .as("%s", moment)
                        .containsExactly(moment == Moment.BEFORE ? "RUNNING" : "PAUSED");
                if (moment != Moment.BEFORE) {
                    daemons.resume();
                }
            }
            daemons.kill(Step.END_OF_THE_WORK.commit(Moment.AFTER), 1);
            daemons.kill(Step.PROOF.commit(Moment.AFTER), 1);
            daemons.finish(oracle);
        }
        assertThat(daemons.kills()).isEqualTo(7);
    }

    private void awaitSlices(long number) {
        await().atMost(PATIENCE).until(() -> database.queryLong("SELECT count(*) FROM backfill.slice") == number);
    }
}
