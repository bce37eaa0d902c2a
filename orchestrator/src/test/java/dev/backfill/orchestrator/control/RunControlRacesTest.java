package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.RunControl.Answer;
import dev.backfill.orchestrator.control.RunControl.Reached;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunControlRacesTest {

    private static final String JOB = "fill";
    private static final String RUN = "00000000-0000-7000-8000-000000000001";
    private static final Cause ANN = new Cause("ann", "disk");

    private TestStores stores;
    private RunControl control;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        control = RunControlTest.control(stores);
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void who_pause_and_resume_at_once_get_an_answer_and_leave_a_legal_state() throws Exception {
        stores.addRun(JOB, RUN, RunState.VERIFYING);
        try (TestStores other = stores.beside()) {
            List<RunControl> controls = List.of(control, RunControlTest.control(other));

            AtOnce.call(4, number -> {
                Verb verb = number < 2 ? Verb.PAUSE : Verb.RESUME;
                for (int i = 0; i < 50; i++) {
                    assertThat(controls.get(number % 2).act(verb, JOB, ANN)).isInstanceOf(Reached.class);
                }
                return verb;
            });
        }
        assertThat(stores.run(RUN, "concat_ws(' ', state, paused_from)")).isIn("VERIFYING", "PAUSED VERIFYING");
        assertThat(stores.server().queryStrings("""
                        SELECT concat(e."from", e."to") FROM (
                            SELECT "from", lag("to") OVER (ORDER BY id) AS before, "to" FROM backfill.event WHERE run IS NOT NULL
                        ) AS e WHERE e."from" <> e.before
                        """))
                .as("changes that do not begin where the one before ended")
                .isEmpty();
    }

    @Test
    void who_start_and_retry_at_once_get_an_answer_and_leave_one_unfinished_run() throws Exception {
        try (TestStores other = stores.beside()) {
            RunControl beside = RunControlTest.control(other);
            for (int round = 0; round < 30; round++) {
                stores.clear();
                stores.addRun(JOB, RUN, RunState.FAILED);

                AtOnce.call(
                        2,
                        number -> number == 0 ? control.act(Verb.START, JOB, ANN) : beside.act(Verb.RETRY, JOB, ANN));

                assertThat(states()).isIn(List.of("RUNNING"), List.of("FAILED", "PENDING"));
            }
        }
    }

    @Test
    void who_start_at_once_make_one_run() throws Exception {
        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);

        List<Answer> answers = AtOnce.call(8, number -> control.act(Verb.START, JOB, ANN));

        assertThat(answers).containsOnlyOnce(new Reached(true)).containsOnly(new Reached(true), new Reached(false));
        assertThat(states()).containsExactly("PENDING");
    }

    /** The states of the job's runs, the oldest first. */
    private List<String> states() throws SQLException {
        return stores.server().queryStrings("SELECT state FROM backfill.run ORDER BY created, id");
    }
}
