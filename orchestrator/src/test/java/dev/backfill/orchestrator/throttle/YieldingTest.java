package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class YieldingTest {

    private static final String NAME = "backfill/fill";

    private final SettableTiming timing = new SettableTiming();
    private final Yielding yielding = new Yielding(timing, NAME);
    private final List<String> ended = new CopyOnWriteArrayList<>();

    @Test
    void the_batch_that_somebody_waits_for_is_ended_and_no_other() {
        Yielding.Turn one = yielding.begin(11, () -> ended.add("one"));
        Yielding.Turn two = yielding.begin(22, () -> ended.add("two"));

        yielding.giveWay(33, NAME, "pid 1");
        yielding.giveWay(22, NAME, "pid 1");
        awaitEnded("two");
        assertThat(one.victim()).isEmpty();
        assertThat(two.victim()).contains("pid 1");
        one.close();
        yielding.giveWay(11, NAME, "pid 1");
        yielding.giveWay(22, NAME, "pid 2");
        awaitEnded("two", "two");
        assertThat(two.victim()).as("who waited first").contains("pid 1");
    }

    @Test
    void a_cancel_that_takes_its_time_is_waited_for_by_nobody_and_not_said_again_meanwhile() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        yielding.begin(11, () -> {
            ended.add("once");
            begun.countDown();
            try {
                slow.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        yielding.giveWay(11, NAME, "pid 1");
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
        yielding.giveWay(11, NAME, "pid 1");
        assertThat(ended).containsExactly("once");
        slow.countDown();
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            yielding.giveWay(11, NAME, "pid 1");
            return ended.size() > 1;
        });
    }

    @Test
    void behind_a_pooler_every_batch_of_the_run_may_be_meant_and_none_of_another_run() {
        yielding.begin(0, () -> ended.add("pooled"));
        yielding.giveWay(22, "backfill/other", "pid 1");
        yielding.giveWay(22, NAME, "pid 1");
        awaitEnded("pooled");
    }

    @Test
    void several_workers_that_give_way_to_the_same_make_one_hold() {
        for (int i = 0; i < 6; i++) {
            yielding.holdFor("pid 7");
        }
        timing.pass(Duration.ofSeconds(1));
        assertThat(yielding.pace()).isEqualTo(Pace.FULL);
    }

    private void awaitEnded(String... all) {
        await().atMost(Duration.ofSeconds(10)).until(() -> ended.size() >= all.length);
        assertThat(ended).containsExactly(all);
    }

    @Test
    void the_smallest_batches_rest_longer_each_time_until_nobody_has_waited_for_a_while() {
        assertThat(yielding.pace()).isEqualTo(Pace.FULL);
        for (int expected : new int[] {1, 2, 4, 8, 16, 30, 30}) {
            yielding.holdFor("pid 7");
            timing.pass(Duration.ofSeconds(expected).minusNanos(1));
            assertThat(yielding.pace().isHold()).as("held for %d s", expected).isTrue();
            assertThat(yielding.pace().reason().orElseThrow().detail()).contains("pid 7", expected + " s");
            timing.pass(Duration.ofNanos(1));
            assertThat(yielding.pace()).isEqualTo(Pace.FULL);
        }
        timing.pass(Duration.ofSeconds(2).plusNanos(1));
        yielding.holdFor("pid 8");
        timing.pass(Duration.ofSeconds(1));
        assertThat(yielding.pace()).as("it begins anew").isEqualTo(Pace.FULL);
    }
}
