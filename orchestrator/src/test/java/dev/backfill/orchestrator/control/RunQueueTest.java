package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunQueueTest {

    private static final String JOB = "fill";
    private static final String RUN = "00000000-0000-7000-8000-000000000001";
    private static final Instant PLANNED = Instant.parse("2026-11-01T22:00:00Z");
    private static final Instant FAR = Instant.parse("2999-01-01T00:00:00Z");

    private TestStores stores;
    private RunQueue queue;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        queue = stores.queue();
    }

    @BeforeEach
    void a_registered_job() throws SQLException {
        stores.clear();
        stores.jobs().register(TestJobs.job(JOB), "api", TestStores.WHO);
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    static Stream<NewRun> kinds() {
        return Stream.of(first(), planned(PLANNED), byHand());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void a_run_that_many_add_at_once_is_added_once(NewRun kind) throws Exception {
        try (TestStores other = stores.beside()) {
            List<RunQueue> queues = List.of(queue, other.queue());

            List<Boolean> added = AtOnce.call(
                    8,
                    number ->
                            queues.get(number % 2).insert(new NewRun(newId(), JOB, 1, kind.worker(), kind.planned())));

            assertThat(added).containsOnlyOnce(true);
            assertThat(runs()).isEqualTo(1);
            assertThat(stores.log())
                    .filteredOn(line -> line.contains("PENDING"))
                    .hasSize(1);
        }
    }

    @Test
    void the_first_run_of_a_job_is_added_only_while_there_is_none() throws SQLException {
        assertThat(queue.insert(first())).isTrue();
        end();
        assertThat(queue.insert(first())).isFalse();
    }

    @Test
    void a_run_by_hand_was_the_first_one_too() throws SQLException {
        queue.insert(byHand());
        end();

        assertThat(queue.insert(first())).isFalse();
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void the_first_run_of_another_job_does_not_count() {
        stores.jobs().register(TestJobs.job("other"), "api", TestStores.WHO);
        queue.insert(first());

        assertThat(queue.insert(NewRun.first(newId(), "other", 1))).isTrue();
    }

    @Test
    void a_planned_start_becomes_a_run_once_even_after_that_has_ended() throws SQLException {
        assertThat(queue.insert(planned(PLANNED))).isTrue();
        end();

        assertThat(queue.insert(planned(PLANNED))).isFalse();
        assertThat(queue.insert(planned(PLANNED.plusSeconds(1)))).isTrue();
    }

    @ParameterizedTest
    @EnumSource(names = {"PENDING", "RUNNING", "PAUSED", "VERIFYING"})
    void nothing_is_added_beside_an_unfinished_run(RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);

        assertThat(kinds().map(queue::insert)).containsOnly(false);
        assertThat(runs()).isEqualTo(1);
    }

    @Test
    void whether_a_planned_start_had_its_run_is_known() {
        queue.insert(planned(PLANNED));

        assertThat(queue.hasPlanned(JOB, PLANNED)).isTrue();
        assertThat(queue.hasPlanned(JOB, PLANNED.plusSeconds(1))).isFalse();
        assertThat(queue.hasPlanned("other", PLANNED)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(names = {"PENDING", "RUNNING", "VERIFYING"})
    void unfinished_runs_are_due(RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);

        assertThat(queue.due()).containsExactly(RUN);
    }

    @ParameterizedTest
    @EnumSource(names = {"PAUSED", "SUCCEEDED", "FAILED", "CANCELLED"})
    void runs_that_do_not_move_are_not_due(RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);

        assertThat(queue.due()).isEmpty();
    }

    @Test
    void a_run_in_the_foreground_is_due_once_it_is_handed_over() {
        queue.insert(NewRun.foreground(RUN, JOB, 1));
        assertThat(queue.due()).isEmpty();

        queue.handOver(RUN);
        assertThat(queue.due()).containsExactly(RUN);
    }

    @Test
    void a_planned_run_is_due_from_its_time_on() {
        stores.jobs().register(TestJobs.job("later"), "api", TestStores.WHO);
        queue.insert(NewRun.planned(newId(), "later", 1, FAR));
        queue.insert(NewRun.planned(RUN, JOB, 1, queue.now()));

        assertThat(queue.due()).containsExactly(RUN);
    }

    @Test
    void the_oldest_run_is_due_first() throws SQLException {
        stores.jobs().register(TestJobs.job("a-younger"), "api", TestStores.WHO);
        queue.insert(byHand());
        NewRun younger = NewRun.byHand("0", "a-younger", 1);
        queue.insert(younger);

        assertThat(queue.due()).hasSize(2).last().isEqualTo(younger.id());
    }

    @ParameterizedTest
    @EnumSource(names = {"SUCCEEDED", "FAILED", "CANCELLED"})
    void a_run_of_which_a_check_is_asked_is_due(RunState state) throws SQLException {
        stores.addRun(JOB, RUN, state);

        assertThat(queue.askForCheck(RUN, "")).isTrue();

        assertThat(queue.due()).containsExactly(RUN);
    }

    @Test
    void a_check_of_an_unfinished_run_or_of_one_without_a_range_is_not_asked() throws SQLException {
        stores.addRun(JOB, RUN, RunState.RUNNING);
        assertThat(queue.askForCheck(RUN, "")).isFalse();

        stores.server().execute("UPDATE backfill.run SET state = 'CANCELLED', \"range\" = NULL");
        assertThat(queue.askForCheck(RUN, "")).isFalse();
        assertThat(queue.due()).isEmpty();
    }

    @Test
    void a_hold_is_remembered_and_shown_until_it_is_over() throws SQLException {
        stores.addRun(JOB, RUN, RunState.RUNNING);
        Held held = new Held("window", Instant.parse("2026-11-01T22:00:00.5Z"), "opens \"soon\"");
        RunBoard board = new RunBoard(stores.database(), stores.jobs(), run -> Optional.empty(), Timing.system());

        queue.rememberHold(RUN, held);
        assertThat(board.run(RUN).orElseThrow().status().hold()).contains(held);

        queue.rememberHold(RUN, null);
        assertThat(board.run(RUN).orElseThrow().status().hold()).isEmpty();
    }

    private static NewRun first() {
        return NewRun.first(newId(), JOB, 1);
    }

    private static NewRun planned(Instant time) {
        return NewRun.planned(newId(), JOB, 1, time);
    }

    private static NewRun byHand() {
        return NewRun.byHand(newId(), JOB, 1);
    }

    private static String newId() {
        return Run.newId(System.currentTimeMillis());
    }

    private long runs() throws SQLException {
        return stores.server().queryLong("SELECT count(*) FROM backfill.run");
    }

    private void end() throws SQLException {
        stores.server().execute("UPDATE backfill.run SET state = 'SUCCEEDED'");
    }
}
