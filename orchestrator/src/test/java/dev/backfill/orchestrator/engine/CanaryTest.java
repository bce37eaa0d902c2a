package dev.backfill.orchestrator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.AtOnce;
import java.util.List;
import org.junit.jupiter.api.Test;

class CanaryTest {

    @Test
    void a_run_without_a_part_is_never_paused_and_its_batches_are_never_cut() {
        Canary canary = Canary.none();

        assertThat(canary.cut(100_000)).isEqualTo(100_000);
        assertThat(canary.reachedBy(Long.MAX_VALUE / 2)).isFalse();
        assertThat(canary.cut(100_000)).isEqualTo(100_000);
    }

    @Test
    void the_batch_that_reaches_the_part_says_so_and_so_does_every_later_one() {
        Canary canary = Canary.after(100, 0);

        assertThat(canary.reachedBy(60)).isFalse();
        assertThat(canary.isReached()).isFalse();
        assertThat(canary.reachedBy(40)).isTrue();
        assertThat(canary.isReached()).isTrue();
        assertThat(canary.reachedBy(40)).as("one that was under way").isTrue();
    }

    @Test
    void a_batch_that_goes_beyond_the_part_reaches_it_too() {
        assertThat(Canary.after(100, 0).reachedBy(1_000)).isTrue();
    }

    @Test
    void a_batch_is_cut_to_what_is_left() {
        Canary canary = Canary.after(100, 30);
        assertThat(canary.cut(1_000)).isEqualTo(70);
        assertThat(canary.cut(10)).isEqualTo(10);

        canary.reachedBy(65);
        assertThat(canary.cut(1_000)).isEqualTo(5);
    }

    @Test
    void what_was_reached_by_a_process_that_died_is_reached_and_cuts_no_batch_to_a_single_key() {
        Canary canary = Canary.after(100, 130);

        assertThat(canary.isReached()).isTrue();
        assertThat(canary.cut(1_000)).isEqualTo(1_000);
        assertThat(Canary.after(0, 0).cut(1_000))
                .as("a part of a range without rows")
                .isEqualTo(1);
    }

    @Test
    void what_other_processes_have_done_counts() {
        Canary canary = Canary.after(100, 0);
        canary.reachedBy(30);

        canary.seen(20);
        assertThat(canary.cut(1_000)).as("a look that came late").isEqualTo(70);
        canary.seen(95);
        assertThat(canary.reachedBy(5)).isTrue();
        assertThat(Canary.none().isWatching()).isFalse();
    }

    @Test
    void what_was_gone_over_before_counts() {
        Canary canary = Canary.after(100, 90);

        assertThat(canary.reachedBy(9)).isFalse();
        assertThat(canary.reachedBy(1)).isTrue();
    }

    @Test
    void many_workers_count_together() throws Exception {
        Canary canary = Canary.after(4_000, 0);

        List<Long> before = AtOnce.call(8, number -> {
            long times = 0;
            for (int i = 0; i < 1_000; i++) {
                times += canary.reachedBy(1) ? 0 : 1;
            }
            return times;
        });

        assertThat(before.stream().mapToLong(Long::longValue).sum()).isEqualTo(3_999);
    }
}
