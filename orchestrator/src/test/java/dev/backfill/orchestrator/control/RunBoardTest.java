package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunBoardTest {

    private static final String JOB = "fill";
    private static final Held WINDOW = new Held("window", Instant.parse("2026-11-01T22:00:00Z"), "opens soon");
    private static final Held LAG =
            new Held("replication-lag", Instant.parse("2026-11-02T00:00:00Z"), "standby a is 6 s behind");

    private final Map<String, Held> heldHere = new HashMap<>();
    private TestStores stores;
    private SettableTiming timing;
    private RunBoard board;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
        heldHere.clear();
        timing = new SettableTiming();
        board = new RunBoard(stores.database(), stores.jobs(), run -> Optional.ofNullable(heldHere.get(run)), timing);
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void jobs_are_shown_in_the_order_of_their_names_with_their_latest_runs() throws SQLException {
        stores.addRun("b", "b1", RunState.FAILED);
        stores.queue().insert(NewRun.byHand("b0-later", "b", 1));
        stores.jobs().register(TestJobs.job("a"), "file", TestStores.WHO);

        List<JobView> jobs = board.jobs();

        assertThat(jobs).extracting(view -> view.job().name()).containsExactly("a", "b");
        assertThat(jobs).extracting(JobView::database).containsOnly("main");
        assertThat(jobs.get(0).run()).isEmpty();
        assertThat(jobs.get(1).run().orElseThrow().id()).isEqualTo(new RunView.Id("b0-later", "b", 1, "main"));
        assertThat(board.job("b").orElseThrow().run().map(RunView::id))
                .isEqualTo(jobs.get(1).run().map(RunView::id));
    }

    @Test
    void an_unregistered_job_is_not_shown_but_its_runs_are() throws SQLException {
        stores.addRun(JOB, "1", RunState.SUCCEEDED);

        stores.jobs().unregister(JOB, TestStores.WHO, "");

        assertThat(board.jobs()).isEmpty();
        assertThat(board.job(JOB)).isEmpty();
        assertThat(board.runs(JOB, Optional.empty(), 10)).hasSize(1);
        assertThat(board.run("1")).isPresent();
    }

    @Test
    void a_run_of_an_unknown_id_is_not_shown() {
        assertThat(board.run("1")).isEmpty();
    }

    @Test
    void rows_are_added_up_over_slices_and_progress_counts_the_present_pass() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET pass = 2, estimated_rows = 1000");
        slice(1, 1, 700, 600);
        slice(2, 2, 100, 10);
        slice(3, 2, 150, 20);

        RunView run = board.run("1").orElseThrow();

        assertThat(run.rows())
                .isEqualTo(new RunView.Rows(950, 250, 630, 0, new RunView.Whole(Optional.of(1000L), Optional.empty())));
        assertThat(run.progress()).isEqualTo(0.25, within(1e-9));
        assertThat(run.remaining()).contains(750L);
    }

    /** Of the keys 1 to 400, 100 are behind: whatever was expected, a quarter is done. */
    @ParameterizedTest
    @ValueSource(longs = {0, 10, 100})
    void an_estimate_that_was_too_low_gives_way_to_what_the_keys_say(long estimated) throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server()
                .execute(
                        "UPDATE backfill.run SET estimated_rows = " + estimated + ", started = now() - interval '10 s',"
                                + " \"range\" = '{\"start\": [\"0\"], \"end\": [\"400\"]}'");
        slice(1, 1, 100, 0);
        stores.server()
                .execute("UPDATE backfill.slice SET state = 'RUNNING', \"to\" = '[\"400\"]', checkpoint = '[\"100\"]'");

        RunView run = board.run("1").orElseThrow();

        assertThat(run.progress()).isEqualTo(0.25, within(1e-9));
        assertThat(run.remaining()).contains(300L);
        assertThat(run.eta().orElseThrow().expected()).isBetween(Duration.ofSeconds(25), Duration.ofSeconds(35));
    }

    @Test
    void a_run_that_is_not_done_never_says_that_it_is() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 10");
        slice(1, 1, 100, 0);
        stores.server()
                .execute("UPDATE backfill.slice SET state = 'RUNNING', \"from\" = '[\"a\"]', \"to\" = '[\"b\"]'");

        RunView run = board.run("1").orElseThrow();

        assertThat(run.progress()).isEqualTo(0.99, within(1e-3));
        assertThat(run.remaining()).contains(1L);
    }

    @Test
    void what_a_check_counted_is_what_remains() throws SQLException {
        stores.addRun(JOB, "1", RunState.FAILED);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 10, rows_remaining = 3");

        assertThat(board.run("1").orElseThrow().remaining()).contains(3L);
    }

    @ParameterizedTest
    @CsvSource({"PENDING, 0", "PAUSED, 0.5", "FAILED, 0.5", "CANCELLED, 0.5", "VERIFYING, 1", "SUCCEEDED, 1"})
    void progress_is_everything_once_the_slices_are_done(RunState state, double progress) throws SQLException {
        stores.addRun(JOB, "1", state);
        if (state != RunState.PENDING) {
            stores.server().execute("UPDATE backfill.run SET estimated_rows = 100");
            slice(1, 1, 50, 50);
        }

        assertThat(board.run("1").orElseThrow().progress()).isEqualTo(progress, within(1e-9));
    }

    @Test
    void nothing_is_known_of_the_rows_of_a_run_that_did_not_begin() throws SQLException {
        stores.addRun(JOB, "1", RunState.PENDING);

        RunView run = board.run("1").orElseThrow();

        assertThat(run.remaining()).isEmpty();
        assertThat(run.eta()).isEmpty();
        assertThat(run.times().started()).isEmpty();
    }

    @Test
    void the_rest_takes_as_long_as_the_pace_seen_so_far_says() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 1000");
        slice(1, 1, 100, 0);
        assertThat(eta()).as("seen once").isEmpty();

        timing.pass(Duration.ofSeconds(10));
        scanned(200);
        assertThat(eta()).as("10 a second, 800 left").contains(Duration.ofSeconds(80));

        timing.pass(Duration.ofSeconds(10));
        scanned(500);
        assertThat(eta()).as("20 a second, 500 left").contains(Duration.ofSeconds(25));
    }

    @Test
    void the_time_in_which_it_is_held_counts_and_so_does_how_unsteady_it_is() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 1000");
        slice(1, 1, 100, 0);
        eta();
        timing.pass(Duration.ofSeconds(10));
        scanned(200);
        RunView.Eta once = board.run("1").orElseThrow().eta().orElseThrow();
        assertThat(once.least()).isLessThan(Duration.ofSeconds(80));
        assertThat(once.most()).isGreaterThan(Duration.ofSeconds(80));

        heldHere.put("1", LAG);
        eta();
        timing.pass(Duration.ofSeconds(10));
        assertThat(eta()).as("10 a second in half of the time, 800 left").contains(Duration.ofSeconds(160));
        heldHere.clear();
        timing.pass(Duration.ofSeconds(10));
        scanned(300);

        RunView.Eta eta = board.run("1").orElseThrow().eta().orElseThrow();
        assertThat(eta.expected())
                .as("10 a second in two of three seconds, 700 left")
                .isEqualTo(Duration.ofSeconds(105));
        assertThat(eta.least()).as("never held again").isBetween(Duration.ofSeconds(60), Duration.ofSeconds(70));
        assertThat(eta.most()).as("held for longer").isBetween(Duration.ofSeconds(135), Duration.ofSeconds(200));
    }

    @Test
    void while_a_window_or_a_person_holds_it_no_end_is_known() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 1000");
        slice(1, 1, 100, 0);
        eta();
        timing.pass(Duration.ofSeconds(10));
        scanned(200);
        assertThat(eta()).isPresent();

        heldHere.put("1", WINDOW);

        assertThat(eta()).isEmpty();
    }

    @Test
    void a_run_that_stands_still_has_no_end_in_sight() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 1000");
        slice(1, 1, 100, 0);
        eta();
        timing.pass(Duration.ofSeconds(10));
        scanned(200);
        assertThat(eta()).isPresent();

        timing.pass(Duration.ofMinutes(3));
        eta();
        timing.pass(Duration.ofSeconds(10));

        assertThat(eta()).isEmpty();
    }

    @Test
    void the_pace_before_a_pause_or_another_pass_does_not_count() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("UPDATE backfill.run SET estimated_rows = 1000");
        slice(1, 1, 100, 0);
        eta();
        timing.pass(Duration.ofSeconds(10));

        scanned(50);
        assertThat(eta()).as("a further pass").isEmpty();
        timing.pass(Duration.ofSeconds(10));
        scanned(60);
        assertThat(eta()).contains(Duration.ofSeconds(940));

        stores.server().execute("UPDATE backfill.run SET state = 'PAUSED', paused_from = 'RUNNING'");
        assertThat(eta()).as("paused").isEmpty();
        stores.server().execute("UPDATE backfill.run SET state = 'RUNNING', paused_from = NULL");
        assertThat(eta()).as("resumed").isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"PENDING", "RUNNING", "VERIFYING"})
    void a_moving_run_shows_its_hold(RunState state) throws SQLException {
        stores.addRun(JOB, "1", state);
        stores.queue().rememberHold("1", WINDOW);

        assertThat(board.run("1").orElseThrow().status().hold()).contains(WINDOW);
        assertThat(board.jobs().get(0).run().orElseThrow().status().hold()).contains(WINDOW);
    }

    @ParameterizedTest
    @EnumSource(names = {"PAUSED", "SUCCEEDED", "FAILED", "CANCELLED"})
    void a_run_that_does_not_move_is_not_held(RunState state) throws SQLException {
        stores.addRun(JOB, "1", state);
        stores.queue().rememberHold("1", WINDOW);
        heldHere.put("1", WINDOW);

        assertThat(board.run("1").orElseThrow().status().hold()).isEmpty();
    }

    @Test
    void a_hold_in_this_process_is_fresher_than_the_table() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.queue().rememberHold("1", WINDOW);
        Held stopped = new Held("stopped", Instant.parse("2026-11-02T00:00:00Z"), "by ann");
        heldHere.put("1", stopped);

        assertThat(board.run("1").orElseThrow().status().hold()).contains(stopped);
    }

    @Test
    void a_planned_time_is_shown_and_that_of_a_first_run_is_none() {
        Instant planned = Instant.parse("2026-11-01T22:00:00Z");
        stores.jobs().register(TestJobs.job("a"), "api", TestStores.WHO);
        stores.jobs().register(TestJobs.job("b"), "api", TestStores.WHO);
        stores.queue().insert(NewRun.first("1", "a", 1));
        stores.queue().insert(NewRun.planned("2", "b", 1, planned));

        assertThat(board.run("1").orElseThrow().times().scheduledFor()).isEmpty();
        assertThat(board.run("2").orElseThrow().times().scheduledFor()).contains(planned);
    }

    @Test
    void the_reason_of_a_paused_run_is_shown() throws SQLException {
        stores.addRun(JOB, "1", RunState.PAUSED);
        stores.server().execute("UPDATE backfill.run SET reason = 'paused by ann'");

        assertThat(board.run("1").orElseThrow().status().reason()).contains("paused by ann");
    }

    private Optional<Duration> eta() {
        return board.run("1").orElseThrow().eta().map(RunView.Eta::expected);
    }

    private void slice(int number, int pass, long scanned, long changed) throws SQLException {
        stores.server().execute("""
                INSERT INTO backfill.slice (run, number, pass, "to", rows_scanned, rows_changed)
                VALUES ('1', %d, %d, '["9"]', %d, %d)
                """.formatted(number, pass, scanned, changed));
    }

    private void scanned(long rows) throws SQLException {
        stores.server().execute("UPDATE backfill.slice SET rows_scanned = " + rows);
    }
}
