package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.RunControl.Answer;
import dev.backfill.orchestrator.control.RunControl.NotAllowed;
import dev.backfill.orchestrator.control.RunControl.Reached;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunControlTest {

    private static final String JOB = "fill";
    private static final String RUN = "00000000-0000-7000-8000-000000000001";
    private static final Cause ANN = new Cause("ann", "disk");

    private TestStores stores;
    private RunControl control;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        control = control(stores);
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        // PENDING,  RUNNING,   PAUSED,    VERIFYING, SUCCEEDED, FAILED,    CANCELLED
        "START,  same,      same,      409,       409,       new,       new,     new",
        "PAUSE,  PAUSED,    PAUSED,    same,      PAUSED,    409,       409,     409",
        "RESUME, 409,       same,      RUNNING,   same,      409,       409,     409",
        "CANCEL, CANCELLED, CANCELLED, CANCELLED, CANCELLED, 409,       409,     same",
        "RETRY,  409,       409,       409,       409,       409,       RUNNING, 409",
        "VERIFY, 409,       409,       409,       409,       check,     check,   check",
    })
    void a_verb_does_in_each_state_what_the_contract_says(ArgumentsAccessor row) throws SQLException {
        for (RunState state : RunState.values()) {
            stores.clear();
            stores.addRun(JOB, RUN, state);
            String expected = row.getString(1 + VerbTest.COLUMNS.indexOf(state));

            Answer answer = control.act(row.get(0, Verb.class), JOB, ANN);

            assertThat(answered(answer))
                    .as("answer in %s", state)
                    .isEqualTo(
                            switch (expected) {
                                case "same", "409" -> expected;
                                default -> "changed";
                            });
            assertThat(states())
                    .as("states from %s", state)
                    .isEqualTo(
                            switch (expected) {
                                case "same", "409", "check" -> List.of(state.name());
                                case "new" -> List.of(state.name(), "PENDING");
                                default -> List.of(expected);
                            });
            assertThat(stores.run(RUN, "check_asked IS NOT NULL"))
                    .as("check in %s", state)
                    .isEqualTo(expected.equals("check") ? "t" : "f");
        }
    }

    @ParameterizedTest
    @EnumSource(value = Verb.class, mode = Mode.EXCLUDE, names = "START")
    void without_a_run_there_is_nothing_to_act_on(Verb verb) throws SQLException {
        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);

        assertThat(control.act(verb, JOB, ANN))
                .isEqualTo(new NotAllowed(Optional.empty(), "the job has no run yet; start makes one"));
        assertThat(states()).isEmpty();
    }

    @Test
    void start_makes_a_run_of_the_registered_revision_for_the_daemons() throws SQLException {
        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);
        stores.jobs().register(TestJobs.job(JOB, "parallelism: 2"), "api", TestStores.WHO);
        stores.revisions().add(TestJobs.job(JOB, "parallelism: 3"), "somebody in the foreground");

        assertThat(control.act(Verb.START, JOB, ANN)).isEqualTo(new Reached(true));

        assertThat(stores.server()
                        .queryStrings(
                                "SELECT concat_ws(' ', state, revision, worker, scheduled_for) FROM backfill.run"))
                .containsExactly("PENDING 2 daemons");
    }

    @Test
    void a_job_that_is_not_registered_cannot_be_started() throws SQLException {
        stores.addRun(JOB, RUN, RunState.SUCCEEDED);
        stores.jobs().unregister(JOB, TestStores.WHO, "");

        assertThat(control.act(Verb.START, JOB, ANN))
                .isEqualTo(new NotAllowed(
                        Optional.of(RunState.SUCCEEDED), "the job is not registered, so there is nothing to start"));
        assertThat(control.act(Verb.START, "unknown", ANN))
                .isEqualTo(new NotAllowed(Optional.empty(), "the job is not registered, so there is nothing to start"));
        assertThat(states()).containsExactly("SUCCEEDED");
    }

    @Test
    void a_refusal_names_the_state_and_what_is_possible_instead() throws SQLException {
        stores.addRun(JOB, RUN, RunState.PAUSED);

        assertThat(control.act(Verb.START, JOB, ANN))
                .isEqualTo(new NotAllowed(
                        Optional.of(RunState.PAUSED), "the run is PAUSED; resume and cancel are possible"));
    }

    @ParameterizedTest
    @CsvSource({
        "START,  SUCCEEDED, ann | fill | - | PENDING | disk",
        "PAUSE,  RUNNING,   ann | fill | RUNNING | PAUSED | paused by ann: disk",
        "RESUME, PAUSED,    ann | fill | PAUSED | RUNNING | disk",
        "CANCEL, PAUSED,    ann | fill | PAUSED | CANCELLED | cancelled by ann: disk",
        "RETRY,  FAILED,    ann | fill | FAILED | RUNNING | disk",
        "VERIFY, SUCCEEDED, ann | fill | - | check-asked | disk",
    })
    void who_acted_on_a_run_and_why_is_written_down(Verb verb, RunState state, String event) throws SQLException {
        stores.addRun(JOB, RUN, state);
        List<String> before = stores.log();

        control.act(verb, JOB, ANN);

        List<String> after = stores.log();
        assertThat(after.subList(before.size(), after.size())).containsExactly(event);
    }

    @Test
    void what_changed_nothing_is_not_written_down() throws SQLException {
        stores.addRun(JOB, RUN, RunState.PAUSED);
        List<String> before = stores.log();

        control.act(Verb.PAUSE, JOB, ANN);
        control.act(Verb.START, JOB, ANN);

        assertThat(stores.log()).isEqualTo(before);
    }

    @Test
    void a_paused_run_says_by_whom_and_why_until_it_is_resumed() throws SQLException {
        stores.addRun(JOB, RUN, RunState.RUNNING);

        control.act(Verb.PAUSE, JOB, new Cause("ann", ""));
        assertThat(stores.run(RUN, "reason")).isEqualTo("paused by ann");

        control.act(Verb.RESUME, JOB, ANN);
        assertThat(stores.run(RUN, "reason")).isEqualTo("null");
    }

    @ParameterizedTest
    @EnumSource(names = {"PENDING", "RUNNING", "VERIFYING"})
    void a_paused_run_goes_back_to_where_it_was(RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);

        control.act(Verb.PAUSE, JOB, ANN);
        assertThat(states()).containsExactly("PAUSED");
        control.act(Verb.RESUME, JOB, ANN);

        assertThat(states()).containsExactly(state.name());
    }

    @ParameterizedTest
    @CsvSource({"RETRY, FAILED", "RESUME, PAUSED", "VERIFY, SUCCEEDED"})
    void a_run_of_the_foreground_is_handed_to_the_daemons(Verb verb, RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);
        stores.server().execute("UPDATE backfill.run SET worker = 'foreground'");

        control.act(verb, JOB, ANN);

        assertThat(stores.queue().due()).containsExactly(RUN);
    }

    @ParameterizedTest
    @CsvSource({"PAUSE, RUNNING, PAUSED", "CANCEL, RUNNING, CANCELLED"})
    void a_run_of_the_foreground_is_told_to_stop_like_any_other(Verb verb, RunState before, RunState after)
            throws SQLException {
        stores.addRun(JOB, RUN, before);
        stores.server().execute("UPDATE backfill.run SET worker = 'foreground'");

        assertThat(control.act(verb, JOB, ANN)).isEqualTo(new Reached(true));

        assertThat(states()).containsExactly(after.name());
        assertThat(stores.queue().due()).isEmpty();
    }

    @Test
    void a_run_that_never_began_has_no_range_to_check() throws SQLException {
        stores.addRun(JOB, RUN, RunState.PENDING);
        control.act(Verb.CANCEL, JOB, ANN);

        assertThat(control.act(Verb.VERIFY, JOB, ANN))
                .isEqualTo(new NotAllowed(
                        Optional.of(RunState.CANCELLED),
                        "the run was ended before it began, so there is no range to check"));
        assertThat(stores.queue().due()).isEmpty();
    }

    @Test
    void the_latest_run_is_meant() throws SQLException {
        stores.addRun(JOB, RUN, RunState.FAILED);
        control.act(Verb.START, JOB, ANN);
        control.act(Verb.CANCEL, JOB, ANN);

        assertThat(control.act(Verb.RETRY, JOB, ANN)).isInstanceOf(NotAllowed.class);
        assertThat(states()).containsExactly("FAILED", "CANCELLED");
    }

    @Test
    void a_failed_run_that_was_seen_before_a_newer_one_was_added_and_ended_is_not_retried() throws SQLException {
        stores.addRun(JOB, RUN, RunState.FAILED);
        Run seen = stores.runs().find(RUN);
        control.act(Verb.START, JOB, ANN);
        control.act(Verb.CANCEL, JOB, ANN);

        assertThat(stores.transitions().move(seen, RunState.RUNNING, "")).isFalse();

        assertThat(states()).containsExactly("FAILED", "CANCELLED");
    }

    static RunControl control(TestStores stores) {
        return new RunControl(
                stores.runs(),
                stores.queue(),
                stores.transitions(),
                job -> stores.jobs()
                        .find(job)
                        .map(j -> OptionalInt.of(j.revision()))
                        .orElse(OptionalInt.empty()),
                Timing.system());
    }

    private static String answered(Answer answer) {
        if (answer instanceof Reached reached) {
            return reached.changed() ? "changed" : "same";
        }
        return "409";
    }

    /** The states of the job's runs, the oldest first. */
    private List<String> states() throws SQLException {
        return stores.server().queryStrings("SELECT state FROM backfill.run ORDER BY created, id");
    }
}
