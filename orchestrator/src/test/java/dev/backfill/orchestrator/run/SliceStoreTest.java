package dev.backfill.orchestrator.run;

import static dev.backfill.orchestrator.run.RunFixture.OURS;
import static dev.backfill.orchestrator.run.RunFixture.RUN;
import static dev.backfill.orchestrator.run.RunFixture.THEIRS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.run.Checkpoints.Batch;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.SliceStore.Working;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SliceStoreTest {

    private static final Batch FIRST = new Batch(Key.of("40"), 40, 40);
    private static final Batch ALL = new Batch(Key.of("1000"), 960, 960);

    private RunFixture fixture;
    private Connection worker;
    private Slice slice;

    @BeforeAll
    void create() throws SQLException {
        fixture = new RunFixture();
    }

    @BeforeEach
    void begin() throws SQLException {
        fixture.reset();
        worker = fixture.worker();
        fixture.begin("1000");
        slice = fixture.leases(OURS).claim(worker, RUN, 1).orElseThrow();
    }

    @AfterAll
    void drop() throws SQLException {
        fixture.close();
    }

    @Test
    void a_split_in_the_middle_of_a_batch_makes_the_batch_roll_back_and_read_again() throws SQLException {
        fixture.server().execute("CREATE TABLE IF NOT EXISTS t (n int)", "TRUNCATE t", "INSERT INTO t VALUES (0)");
        worker.setAutoCommit(false);
        worker.createStatement().execute("UPDATE t SET n = n + 1");

        assertThat(fixture.slices().split(working(), Key.of("500"))).isTrue();
        assertThat(fixture.checkpoints().move(worker, slice, ALL)).isEmpty();
        worker.rollback();
        worker.setAutoCommit(true);

        Slice again = fixture.leases(OURS).readAgain(worker, slice).orElseThrow();
        assertThat(again.bounds()).isEqualTo(new Bounds(Optional.empty(), Key.of("500")));
        assertThat(again.lease()).isEqualTo(slice.lease());
        Slice second = fixture.leases(THEIRS).claim(fixture.worker(), RUN, 2).orElseThrow();
        assertThat(second.bounds()).isEqualTo(new Bounds(Optional.of(Key.of("500")), Key.of("1000")));
        assertThat(second.id().number()).isEqualTo(2);
        assertThat(fixture.server().queryLong("SELECT n FROM t")).isZero();
    }

    @Test
    void a_batch_that_moved_its_checkpoint_first_makes_the_split_do_nothing() throws Exception {
        Working seen = working();
        worker.setAutoCommit(false);
        fixture.checkpoints().move(worker, slice, FIRST);

        CompletableFuture<Boolean> split =
                CompletableFuture.supplyAsync(() -> fixture.slices().split(seen, Key.of("20")));
        await().atMost(Duration.ofSeconds(10))
                .until(() -> fixture.server()
                                .queryLong("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'")
                        == 1);
        worker.commit();

        assertThat(split.get(10, TimeUnit.SECONDS)).isFalse();
        assertThat(fixture.server().queryLong("SELECT count(*) FROM backfill.slice"))
                .isEqualTo(1);
        assertThat(fixture.slice(1, "\"to\"->>0")).isEqualTo("1000");
    }

    @Test
    void a_slice_that_is_not_as_it_was_seen_is_not_split() throws SQLException {
        Working seen = working();
        assertThat(fixture.slices().split(seen, Key.of("500"))).isTrue();
        assertThat(fixture.slices().split(seen, Key.of("400"))).isFalse();

        Working shorter = working();
        fixture.leases(OURS).giveBack(worker, slice, Duration.ZERO);
        assertThat(fixture.slices().split(shorter, Key.of("400"))).isFalse();

        assertThat(fixture.server().queryStrings("SELECT \"to\"->>0 FROM backfill.slice ORDER BY number"))
                .containsExactly("500", "1000");
    }

    @Test
    void a_part_that_was_split_off_can_be_split_again_and_nothing_overlaps() throws SQLException {
        fixture.slices().split(working(), Key.of("500"));
        assertThat(fixture.leases(THEIRS).claim(fixture.worker(), RUN, 2)).isPresent();
        Working second = fixture.slices().working(RUN).get(1);
        assertThat(second.position()).contains(Key.of("500"));

        assertThat(fixture.slices().split(second, Key.of("750"))).isTrue();

        assertThat(fixture.server()
                        .queryStrings(
                                "SELECT concat(\"from\"->>0, '-', \"to\"->>0) FROM backfill.slice ORDER BY number"))
                .containsExactly("-500", "500-750", "750-1000");
    }

    @Test
    void progress_is_the_sum_over_the_slices_of_all_passes_and_is_done_by_the_newest() throws SQLException {
        fixture.slices().split(working(), Key.of("500"));
        Slice shorter = fixture.leases(OURS).readAgain(worker, slice).orElseThrow();
        fixture.checkpoints().move(worker, shorter, new Batch(Key.of("500"), 450, 400));

        SliceStore.Progress half = fixture.slices().progress(RUN);
        assertThat(half).isEqualTo(new SliceStore.Progress(new SliceStore.Progress.Rows(450, 450, 400, 0), 1, 2, 1));
        assertThat(half.isDone()).isFalse();

        fixture.server()
                .execute("INSERT INTO backfill.slice (run, number, pass, \"to\", state, rows_scanned)" + " VALUES ('"
                        + RUN + "', 3, 2, '[\"1000\"]', 'DONE', 7)");
        SliceStore.Progress further = fixture.slices().progress(RUN);
        assertThat(further).isEqualTo(new SliceStore.Progress(new SliceStore.Progress.Rows(457, 7, 400, 0), 1, 1, 1));
        assertThat(further.isDone()).isTrue();
    }

    @Test
    void a_lease_of_another_process_is_seen_while_it_holds() throws SQLException {
        assertThat(fixture.slices().foreignLease(RUN, OURS)).isEmpty();
        assertThat(fixture.slices().foreignLease(RUN, THEIRS).orElseThrow().owner())
                .isEqualTo(OURS);
        assertThat(fixture.slices().foreignLease(RUN, THEIRS).orElseThrow().seconds())
                .isBetween(590L, 600L);

        fixture.server().execute("UPDATE backfill.slice SET lease_until = now() - interval '1 s'");
        assertThat(fixture.slices().foreignLease(RUN, THEIRS)).isEmpty();
    }

    @Test
    void a_commit_that_was_fenced_off_leaves_an_event() throws SQLException {
        fixture.events().commitFenced(slice);

        assertThat(fixture.server()
                        .queryStrings("SELECT concat_ws(' ', subject, \"from\", \"to\", detail->>'slice')"
                                + " FROM backfill.event WHERE \"to\" = 'fenced-commit' AND run = '" + RUN + "'"))
                .contains("fill fence 1 fenced-commit 1");
    }

    private Working working() {
        return fixture.slices().working(RUN).get(0);
    }
}
