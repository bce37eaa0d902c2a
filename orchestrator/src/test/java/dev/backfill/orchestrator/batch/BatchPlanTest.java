package dev.backfill.orchestrator.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.BatchLimits;
import dev.backfill.orchestrator.batch.BatchPlan.Next;
import dev.backfill.orchestrator.batch.BatchRunner.Mode;
import dev.backfill.orchestrator.db.ErrorClass;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BatchPlanTest {

    private static final Duration BRISK = Duration.ofMillis(900);
    private static final Duration QUICK = Duration.ofMillis(100);
    private static final Duration TARGET = Duration.ofMillis(250);

    private final BatchPlan plan = new BatchPlan(new BatchLimits(1000, 100, 100_000, TARGET), 3, BRISK);

    @Test
    void a_lock_halves_the_batch_and_after_the_last_attempt_sets_the_slice_aside() {
        assertThat(plan.failed(ErrorClass.LOCK)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.size()).isEqualTo(500);
        assertThat(plan.failed(ErrorClass.LOCK)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failures()).isEqualTo(2);
        assertThat(plan.failed(ErrorClass.LOCK)).isEqualTo(Next.SET_ASIDE);
        assertThat(plan.size()).isEqualTo(125);
        assertThat(plan.failures()).isZero();
        assertThat(plan.mode()).isEqualTo(Mode.BRISK);
    }

    @Test
    void a_time_out_makes_batches_smaller_then_patient_then_looks_for_the_key() {
        for (int size = 1000; size > 100; size = plan.size()) {
            assertThat(plan.failed(ErrorClass.TIMEOUT)).isEqualTo(Next.AGAIN_LATER);
            assertThat(plan.mode()).isEqualTo(Mode.BRISK);
        }
        assertThat(plan.failed(ErrorClass.TIMEOUT)).isEqualTo(Next.AGAIN_NOW);
        assertThat(plan.mode()).isEqualTo(Mode.PATIENT);
        assertThat(plan.size()).isEqualTo(100);

        for (int size = 100; size > 1; size = plan.size()) {
            assertThat(plan.failed(ErrorClass.TIMEOUT)).isEqualTo(Next.AGAIN_NOW);
            assertThat(plan.size()).isEqualTo(size / 2);
        }
        assertThat(plan.failed(ErrorClass.TIMEOUT)).isEqualTo(Next.STOP);
    }

    @Test
    void a_batch_that_gave_way_is_halved_and_rests_once_it_is_as_small_as_wanted() {
        for (int size = 1000; size > 100; size = plan.size()) {
            assertThat(plan.gaveWay()).as("a rest with %d keys", size).isFalse();
            assertThat(plan.size()).isEqualTo(Math.max(100, size / 2));
        }
        for (int size = 100; size > 1; size = plan.size()) {
            assertThat(plan.gaveWay()).as("a rest with %d keys", size).isTrue();
            assertThat(plan.size()).isEqualTo(size / 2);
        }
        assertThat(plan.gaveWay()).isTrue();
        assertThat(plan.size()).isEqualTo(1);
        plan.committed(1, QUICK, QUICK);
        assertThat(plan.size()).as("it grows back").isEqualTo(2);
    }

    @Test
    void a_batch_that_gave_way_while_bad_data_was_looked_for_is_halved_and_needs_no_rest() {
        plan.failed(ErrorClass.DATA);
        assertThat(plan.size()).isEqualTo(500);
        assertThat(plan.gaveWay()).isFalse();
        assertThat(plan.size()).isEqualTo(250);
    }

    @Test
    void what_the_server_has_no_room_for_is_tried_with_fewer_keys_and_the_fewest_wait() {
        for (int size = 1000; size > 100; size = plan.size()) {
            assertThat(plan.failed(ErrorClass.RESOURCES)).isEqualTo(Next.AGAIN_NOW);
            assertThat(plan.size()).isEqualTo(Math.max(100, size / 2));
        }
        assertThat(plan.failed(ErrorClass.RESOURCES)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.size()).isEqualTo(100);
    }

    @Test
    void a_patient_batch_that_was_quick_makes_the_next_one_brisk_again() {
        while (plan.mode() == Mode.BRISK) {
            plan.failed(ErrorClass.TIMEOUT);
        }
        plan.committed(100, BRISK, BRISK);
        assertThat(plan.mode()).isEqualTo(Mode.PATIENT);

        plan.committed(100, QUICK, QUICK);
        assertThat(plan.mode()).isEqualTo(Mode.BRISK);
    }

    @Test
    void bad_data_is_looked_for_down_to_the_key_and_the_size_grows_back() {
        assertThat(plan.failed(ErrorClass.DATA)).isEqualTo(Next.AGAIN_NOW);
        assertThat(plan.size()).isEqualTo(500);
        plan.committed(500, QUICK, QUICK);
        assertThat(plan.size()).isEqualTo(1000);

        while (plan.size() > 1) {
            assertThat(plan.failed(ErrorClass.DATA)).isEqualTo(Next.AGAIN_NOW);
        }
        plan.committed(1, QUICK, QUICK);
        assertThat(plan.size()).isEqualTo(2);
        plan.failed(ErrorClass.DATA);
        assertThat(plan.failed(ErrorClass.DATA)).isEqualTo(Next.PASS_OVER);
    }

    @Test
    void what_a_processor_wants_again_is_tried_as_often_as_it_wants_that_in_a_row() {
        for (int smaller = 0; smaller < 5; smaller++) {
            plan.failed(ErrorClass.DATA);
        }
        assertThat(plan.failed(ErrorClass.AGAIN)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failures()).isEqualTo(1);
        assertThat(plan.failed(ErrorClass.AGAIN)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failed(ErrorClass.DATABASE_DOWN)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failed(ErrorClass.AGAIN)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failed(ErrorClass.AGAIN)).isEqualTo(Next.AGAIN_LATER);
        assertThat(plan.failed(ErrorClass.AGAIN)).isEqualTo(Next.STOP);
    }

    @Test
    void what_a_processor_calls_too_large_is_halved_down_to_the_key() {
        for (int size = 1000; size > 1; size = plan.size()) {
            assertThat(plan.failed(ErrorClass.TOO_LARGE)).isEqualTo(Next.AGAIN_NOW);
            assertThat(plan.size()).isLessThan(size);
        }
        assertThat(plan.failed(ErrorClass.TOO_LARGE)).isEqualTo(Next.STOP);
    }

    @Test
    void a_wrong_statement_stops_at_once() {
        assertThat(plan.failed(ErrorClass.PAUSE)).isEqualTo(Next.STOP);
    }

    @ParameterizedTest
    @EnumSource(names = {"SESSION_LOST", "DATABASE_DOWN", "DENIED", "DISK_FULL"})
    void what_is_not_the_batchs_fault_does_not_change_it(ErrorClass error) {
        for (int attempt = 1; attempt <= 10; attempt++) {
            assertThat(plan.failed(error)).isEqualTo(Next.AGAIN_LATER);
            assertThat(plan.failures()).isEqualTo(attempt);
        }
        assertThat(plan.size()).isEqualTo(1000);

        plan.committed(1000, TARGET, TARGET);
        assertThat(plan.failures()).isZero();
    }

    @Test
    void what_it_may_not_go_beyond_counts_also_below_the_least() {
        plan.limit(new BatchLimits(1000, 100, 100_000, TARGET), 40, false);
        assertThat(plan.size()).isEqualTo(40);
        assertThat(plan.failed(ErrorClass.DATA)).isEqualTo(Next.AGAIN_NOW);
        assertThat(plan.size()).as("half of what was tried").isEqualTo(20);

        plan.limit(new BatchLimits(1000, 100, 100_000, TARGET), Integer.MAX_VALUE, false);
        assertThat(plan.size()).isEqualTo(20);
    }
}
