package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.backfill.orchestrator.pacing.Shares.Share;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SharesTest {

    private final SettableTiming timing = new SettableTiming();
    private boolean scarce = true;
    private int runs;
    private final Shares shares = new Shares(timing, () -> scarce);

    @Test
    void a_run_alone_has_everything_whatever_it_weighs() {
        Share alone = begin(1, 64);
        alone.moved();

        assertThat(alone.pace().ratio()).isEqualTo(1);
    }

    @Test
    void while_there_is_not_enough_runs_go_by_their_weights() {
        Share heavy = begin(3, 1);
        Share light = begin(1, 1);
        heavy.moved();
        light.moved();

        assertThat(heavy.pace().ratio()).isEqualTo(1);
        assertThat(light.pace().ratio()).isCloseTo(1.0 / 3, within(1e-9));
        assertThat(light.part()).isCloseTo(1.0 / 3, within(1e-9));
        assertThat(light.pace().reason().orElseThrow().word()).isEqualTo("weight");
    }

    @Test
    void a_weight_is_of_the_run_and_not_of_each_worker() {
        Share many = begin(1, 4);
        Share one = begin(1, 1);
        many.moved();
        one.moved();

        assertThat(many.pace().ratio()).as("four workers at a quarter").isEqualTo(0.25);
        assertThat(one.pace().ratio()).isEqualTo(1);
        many.weigh(4, 4);
        assertThat(many.pace().ratio()).isEqualTo(1);
    }

    @Test
    void while_there_is_enough_for_all_each_goes_as_fast_as_it_can() {
        Share heavy = begin(3, 1);
        Share light = begin(1, 1);
        heavy.moved();
        assertThat(light.pace().ratio()).isLessThan(1);

        scarce = false;
        timing.pass(Duration.ofMillis(2_999));
        heavy.moved();
        assertThat(light.pace().ratio()).as("a moment ago there was not").isLessThan(1);
        timing.pass(Duration.ofMillis(1));
        assertThat(light.pace().ratio()).isEqualTo(1);
        assertThat(light.part()).as("of the workers").isLessThan(1);
    }

    @Test
    void a_run_that_stands_still_or_has_ended_counts_for_nobody() {
        Share heavy = begin(3, 1);
        Share light = begin(1, 1);
        assertThat(light.pace().ratio()).as("it never moved").isEqualTo(1);
        heavy.moved();
        assertThat(light.pace().ratio()).isLessThan(1);
        timing.pass(Duration.ofSeconds(10));
        assertThat(light.pace().ratio()).as("it has not moved for long").isEqualTo(1);

        heavy.moved();
        heavy.close();
        assertThat(light.pace().ratio()).isEqualTo(1);
    }

    @Test
    void the_heaviest_that_another_process_works_counts_until_it_is_gone() {
        Share light = begin(1, 1);
        light.moved();
        assertThat(light.pace().ratio()).isEqualTo(1);

        light.see(Map.of("elsewhere", 4.0));
        assertThat(light.pace().ratio()).isEqualTo(0.25);
        assertThat(light.part()).as("workers are shared here only").isEqualTo(1);
        light.see(Map.of());
        assertThat(light.pace().ratio()).isEqualTo(1);

        light.see(Map.of("elsewhere", 4.0));
        timing.pass(Duration.ofSeconds(10));
        assertThat(light.pace().ratio()).as("nobody has looked for long").isEqualTo(1);
    }

    @Test
    void workers_of_other_processes_share_the_weight_of_a_run() {
        Share here = begin(4, 1);
        here.moved();

        here.see(Map.of("run 1", 1.0, "elsewhere", 2.0));
        assertThat(here.pace().ratio())
                .as("three of its four workers are elsewhere")
                .isEqualTo(0.5);
    }

    @Test
    void weights_are_looked_at_once_a_second_and_only_while_there_is_little() {
        Share one = begin(1, 1);
        Share other = begin(1, 1);
        assertThat(one.wantsToSee()).isFalse();

        one.pace();
        assertThat(one.wantsToSee()).isTrue();
        one.see(Map.of());
        assertThat(other.wantsToSee()).as("they share what was seen").isFalse();
        timing.pass(Duration.ofSeconds(1));
        assertThat(other.wantsToSee()).isTrue();
        scarce = false;
        timing.pass(Duration.ofSeconds(3));
        one.pace();
        assertThat(one.wantsToSee()).isFalse();
    }

    private Share begin(int weight, int workers) {
        Share share = shares.begin("run " + ++runs);
        share.weigh(weight, workers);
        return share;
    }
}
