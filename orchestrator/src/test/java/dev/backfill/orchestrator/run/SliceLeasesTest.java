package dev.backfill.orchestrator.run;

import static dev.backfill.orchestrator.run.RunFixture.OURS;
import static dev.backfill.orchestrator.run.RunFixture.RUN;
import static dev.backfill.orchestrator.run.RunFixture.THEIRS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.run.Checkpoints.Batch;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.Slice.Lease;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SliceLeasesTest {

    private static final Duration AN_INSTANT = Duration.ofMillis(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Batch FIRST = new Batch(Key.of("40"), 40, 40);

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private RunFixture fixture;
    private Connection worker;

    @BeforeAll
    void create() throws SQLException {
        fixture = new RunFixture();
    }

    @BeforeEach
    void begin() throws SQLException {
        fixture.reset();
        worker = fixture.worker();
        fixture.begin("100", "200", "300");
    }

    @AfterAll
    void drop() throws SQLException {
        threads.shutdownNow();
        fixture.close();
    }

    @Test
    void the_first_free_slice_is_claimed_with_a_higher_fence() throws SQLException {
        assertThat(claim(OURS, 3))
                .contains(new Slice(
                        new Slice.Id(RUN, 1),
                        new Lease(OURS, 1, 0),
                        new Bounds(Optional.empty(), Key.of("100")),
                        Optional.empty(),
                        1));
        assertThat(claim(THEIRS, 3).orElseThrow().bounds())
                .isEqualTo(new Bounds(Optional.of(Key.of("100")), Key.of("200")));
        assertThat(fixture.slice(1, "concat_ws(' ', state, owner, fence, lease_until > now() + interval '9 min')"))
                .isEqualTo("RUNNING ours 1 t");
    }

    @Test
    void no_more_slices_are_claimed_than_workers_are_allowed_over_all_processes() throws SQLException {
        assertThat(claim(OURS, 2)).isPresent();
        assertThat(claim(THEIRS, 2)).isPresent();

        assertThat(claim(OURS, 2)).isEmpty();
        assertThat(claim(THEIRS, 2)).isEmpty();
        assertThat(claim(THEIRS, 3)).isPresent();
    }

    @Test
    void processes_that_claim_at_once_get_different_slices_and_not_too_many() throws Exception {
        for (int round = 0; round < 10; round++) {
            begin();
            List<Future<Optional<Slice>>> claims = new ArrayList<>();
            for (int process = 0; process < 6; process++) {
                SliceLeases leases = fixture.leases("process " + process);
                Connection connection = fixture.worker();
                claims.add(threads.submit(() -> leases.claim(connection, RUN, 2)));
            }
            List<Slice.Id> claimed = new ArrayList<>();
            for (Future<Optional<Slice>> claim : claims) {
                claim.get(10, TimeUnit.SECONDS).ifPresent(slice -> claimed.add(slice.id()));
            }
            assertThat(claimed).hasSize(2).doesNotHaveDuplicates();
        }
    }

    @Test
    void a_slice_whose_lease_is_over_is_claimed_by_another_process() throws SQLException {
        Slice lapsed = fixture.leases(OURS, AN_INSTANT).claim(worker, RUN, 1).orElseThrow();

        Slice theirs = claim(THEIRS, 1).orElseThrow();

        assertThat(theirs.id()).isEqualTo(lapsed.id());
        assertThat(theirs.lease()).isEqualTo(new Lease(THEIRS, 2, 1));
    }

    @Test
    void a_slice_whose_backend_is_gone_is_claimed_before_its_lease_is_over() throws SQLException {
        Slice left = fixture.leases(OURS).claim(worker, RUN, 1).orElseThrow();
        assertThat(claim(THEIRS, 1)).isEmpty();

        worker.close();

        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(claim(THEIRS, 1).map(Slice::id)).contains(left.id()));
    }

    @Test
    void a_backend_of_the_same_number_that_began_later_is_not_the_old_one() throws SQLException {
        assertThat(fixture.leases(OURS).claim(worker, RUN, 1)).isPresent();
        fixture.server().execute("UPDATE backfill.slice SET backend_start = backend_start - interval '1 s'");

        assertThat(claim(THEIRS, 1)).isPresent();
    }

    @Test
    void a_slice_that_its_batch_has_locked_is_not_taken_although_its_lease_is_over() throws SQLException {
        Slice lapsed = fixture.leases(OURS, AN_INSTANT).claim(worker, RUN, 1).orElseThrow();
        worker.setAutoCommit(false);
        fixture.checkpoints().move(worker, lapsed, FIRST);

        assertThat(claim(THEIRS, 3).orElseThrow().id()).isNotEqualTo(lapsed.id());
        worker.commit();
    }

    @Test
    void nothing_is_claimed_of_a_run_that_is_not_running_or_done() throws SQLException {
        fixture.transitions().move(fixture.runs().find(RUN), RunState.PAUSED, "");
        assertThat(claim(OURS, 3)).isEmpty();

        fixture.transitions().resume(fixture.runs().find(RUN));
        fixture.server().execute("UPDATE backfill.slice SET state = 'DONE'");
        assertThat(claim(OURS, 3)).isEmpty();
        assertThat(worker.getAutoCommit()).isTrue();
    }

    @Test
    void a_slice_given_back_is_free_after_its_rest() throws SQLException {
        fixture.leases(OURS).giveBack(worker, claim(OURS, 1).orElseThrow(), Duration.ofMinutes(1));
        Slice second = claim(OURS, 1).orElseThrow();
        assertThat(second.id().number()).isEqualTo(2);

        fixture.leases(OURS).giveBack(worker, second, Duration.ZERO);
        assertThat(claim(THEIRS, 1).orElseThrow().lease()).isEqualTo(new Lease(THEIRS, 2, 0));
    }

    @Test
    void a_slice_that_has_gone_to_another_worker_is_not_given_back() throws SQLException {
        Slice lapsed = fixture.leases(OURS, AN_INSTANT).claim(worker, RUN, 1).orElseThrow();
        assertThat(claim(THEIRS, 1)).isPresent();
        String theirs = fixture.slice(1);

        fixture.leases(OURS).giveBack(worker, lapsed, Duration.ZERO);

        assertThat(fixture.slice(1)).isEqualTo(theirs);
    }

    @Test
    void a_claim_anew_waits_for_the_old_transaction_and_then_reads_its_checkpoint() throws Exception {
        Slice slice = claim(OURS, 1).orElseThrow();
        Connection old = fixture.worker();
        old.setAutoCommit(false);
        fixture.checkpoints().move(old, slice, FIRST);

        Future<Optional<Slice>> anew = threads.submit(() -> fixture.leases(OURS).claimAnew(worker, slice, true));
        await().atMost(PATIENCE)
                .until(() -> fixture.server()
                                .queryLong("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'")
                        == 1);
        assertThat(anew).isNotDone();
        old.commit();

        Slice mine = anew.get(10, TimeUnit.SECONDS).orElseThrow();
        assertThat(mine.checkpoint()).contains(FIRST.to());
        assertThat(mine.lease()).isEqualTo(new Lease(OURS, 2, 1));
        assertThat(fixture.checkpoints().move(old, slice.at(FIRST.to()), FIRST)).isEmpty();
        old.rollback();
    }

    @Test
    void a_claim_anew_and_a_second_reading_find_nothing_when_another_process_has_the_slice() throws SQLException {
        Slice lapsed = fixture.leases(OURS, AN_INSTANT).claim(worker, RUN, 1).orElseThrow();
        assertThat(fixture.leases(OURS).readAgain(worker, lapsed)).contains(lapsed);

        assertThat(claim(THEIRS, 1)).isPresent();

        assertThat(fixture.leases(OURS).claimAnew(worker, lapsed, true)).isEmpty();
        assertThat(fixture.leases(OURS).readAgain(worker, lapsed)).isEmpty();
    }

    @Test
    void leases_are_prolonged_under_the_same_owner_and_fence_only() throws SQLException {
        Slice mine = claim(OURS, 3).orElseThrow();
        Slice old = claim(OURS, 3).orElseThrow();
        fixture.leases(OURS).claimAnew(worker, old, true);
        Slice theirs = claim(THEIRS, 3).orElseThrow();
        fixture.server().execute("UPDATE backfill.slice SET lease_until = now()");

        fixture.slices().renew(fixture.leases(OURS), List.of(mine, old, theirs));

        assertThat(fixture.server()
                        .queryStrings("SELECT number FROM backfill.slice WHERE lease_until > now() ORDER BY 1"))
                .containsExactly("1");
    }

    @Test
    void prolonging_passes_over_what_a_batch_has_locked() throws SQLException {
        Slice busy = claim(OURS, 3).orElseThrow();
        Slice waiting = claim(OURS, 3).orElseThrow();
        fixture.server().execute("UPDATE backfill.slice SET lease_until = now() - interval '1 s'");
        Connection batch = fixture.worker();
        batch.setAutoCommit(false);
        fixture.checkpoints().move(batch, busy, FIRST);

        fixture.slices().renew(fixture.leases(OURS), List.of(busy, waiting));
        batch.rollback();

        assertThat(fixture.server()
                        .queryStrings("SELECT number FROM backfill.slice WHERE lease_until > now() ORDER BY 1"))
                .containsExactly("2");
    }

    private Optional<Slice> claim(String owner, int parallelism) throws SQLException {
        Connection connection = owner.equals(OURS) ? worker : fixture.worker();
        return fixture.leases(owner).claim(connection, RUN, parallelism);
    }
}
