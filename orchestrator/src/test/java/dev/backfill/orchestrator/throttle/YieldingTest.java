package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class YieldingTest {

    private final SettableTiming timing = new SettableTiming();
    private final Yielding yielding = new Yielding(timing);
    private final List<String> ended = new ArrayList<>();

    @Test
    void the_batch_that_somebody_waits_for_is_ended_once_and_no_other() {
        Yielding.Turn one = yielding.begin(11, () -> ended.add("one"));
        Yielding.Turn two = yielding.begin(22, () -> ended.add("two"));

        yielding.giveWay(33, "pid 1");
        assertThat(ended).isEmpty();
        yielding.giveWay(22, "pid 1");
        yielding.giveWay(22, "pid 2");
        assertThat(ended).containsExactly("two");
        assertThat(one.victim()).isEmpty();
        assertThat(two.victim()).contains("pid 1");
        one.close();
        yielding.giveWay(11, "pid 1");
        assertThat(ended).as("one is over").containsExactly("two");
    }

    @Test
    void behind_a_pooler_every_batch_of_the_run_may_be_meant() {
        yielding.begin(0, () -> ended.add("pooled"));
        yielding.giveWay(22, "pid 1");
        assertThat(ended).containsExactly("pooled");
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
