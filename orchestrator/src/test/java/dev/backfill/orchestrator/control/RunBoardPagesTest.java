package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestStores;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunBoardPagesTest {

    private static final String JOB = "fill";

    private TestStores stores;
    private RunBoard board;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        board = new RunBoard(stores.database(), stores.jobs(), run -> Optional.empty(), Timing.system());
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
    void runs_are_paged_from_the_latest_on_also_those_added_at_the_same_moment() throws SQLException {
        for (String id : List.of("c", "a", "e", "b", "d")) {
            stores.addRun(JOB, id, RunState.SUCCEEDED);
        }
        stores.addRun("other", "f", RunState.SUCCEEDED);
        stores.server().execute("UPDATE backfill.run SET created = '2026-11-01 22:00Z' WHERE id IN ('a', 'b', 'c')");

        List<String> seen = new ArrayList<>();
        Optional<String> after = Optional.empty();
        List<RunView> page = board.runs(JOB, after, 2);
        while (!page.isEmpty()) {
            page.forEach(run -> seen.add(run.id().run()));
            after = Optional.of(seen.get(seen.size() - 1));
            page = board.runs(JOB, after, 2);
        }

        assertThat(seen).containsExactly("d", "e", "c", "b", "a");
    }

    @Test
    void slices_are_paged_in_the_order_of_their_numbers() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        for (int number : List.of(3, 1, 2)) {
            stores.server()
                    .execute("INSERT INTO backfill.slice (run, number, pass, \"to\") VALUES ('1', " + number
                            + ", 1, '[\"9\"]')");
        }

        assertThat(board.slices("1", 0, 2)).extracting(SliceView::number).containsExactly(1, 2);
        assertThat(board.slices("1", 2, 2)).extracting(SliceView::number).containsExactly(3);
    }

    @Test
    void a_slice_shows_its_keys_part_by_part_and_what_was_done() throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("""
                INSERT INTO backfill.slice (run, number, pass, "from", "to", checkpoint, state, owner, rows_scanned, rows_changed, batches)
                VALUES ('1', 1, 2, '["b", null]', '["c", "10", "x"]', '["b", "7"]', 'RUNNING', 'us', 30, 20, 10)
                """);

        assertThat(board.slices("1", 0, 10))
                .containsExactly(new SliceView(
                        1,
                        new SliceView.Work(2, "RUNNING", Optional.of("us")),
                        new SliceView.Bounds(
                                Optional.of(List.of("b", "null")),
                                List.of("c", "10", "x"),
                                Optional.of(List.of("b", "7"))),
                        new SliceView.Rows(30, 20, 10)));
    }

    @Test
    void a_slice_at_the_start_of_the_run_of_which_nothing_is_committed_has_neither_from_nor_checkpoint()
            throws SQLException {
        stores.addRun(JOB, "1", RunState.RUNNING);
        stores.server().execute("INSERT INTO backfill.slice (run, number, pass, \"to\") VALUES ('1', 1, 1, '[\"9\"]')");

        SliceView slice = board.slices("1", 0, 1).get(0);

        assertThat(slice.bounds()).isEqualTo(new SliceView.Bounds(Optional.empty(), List.of("9"), Optional.empty()));
        assertThat(slice.work()).isEqualTo(new SliceView.Work(1, "READY", Optional.empty()));
    }

    @Test
    void events_are_paged_from_the_oldest_on() {
        stores.jobs().register(TestJobs.job("a"), "api", "ann");
        stores.jobs().register(TestJobs.job("b"), "api", "ann");
        stores.jobs().unregister("a", "bob", "done");

        List<EventView> first = board.events(Optional.empty(), 0, 2);
        List<EventView> rest = board.events(Optional.empty(), first.get(1).id(), 2);

        assertThat(first).extracting(event -> event.subject().name()).containsExactly("a", "b");
        assertThat(rest).singleElement().satisfies(event -> {
            assertThat(event.subject()).isEqualTo(new EventView.Subject("job", "a", Optional.empty()));
            assertThat(event.change())
                    .isEqualTo(new EventView.Change(
                            Optional.of("revision 1"), Optional.of("unregistered"), "{\"reason\": \"done\"}"));
            assertThat(event.who()).isEqualTo("bob");
        });
    }

    @Test
    void the_events_of_a_job_are_its_own_and_those_of_its_runs() throws SQLException {
        stores.addRun("stop", "1", RunState.RUNNING);
        stores.addRun("b", "2", RunState.RUNNING);
        stores.events().noted("1", "hold", "window");
        new StopSwitch(stores.database(), stores.events()).stop(new Cause("a", "a switch of the same name"));

        assertThat(board.events(Optional.of("stop"), 0, 10))
                .extracting(event -> event.change().to().orElseThrow())
                .containsExactly("revision 1", "hold");
        assertThat(board.events(Optional.of("stop"), 0, 10))
                .last()
                .satisfies(event -> assertThat(event.subject().run()).contains("1"));
    }
}
