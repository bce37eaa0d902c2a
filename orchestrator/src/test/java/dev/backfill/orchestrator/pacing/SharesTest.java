package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.backfill.orchestrator.pacing.Shares.Share;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SharesTest {

    private final SettableTiming timing = new SettableTiming();
    private boolean scarce = true;
    private final Shares shares = new Shares(timing, () -> scarce);

    @Test
    void a_run_alone_has_everything_whatever_it_weighs() {
        Share alone = shares.begin(1, 64);
        alone.moved();

        assertThat(alone.pace().ratio()).isEqualTo(1);
    }

    @Test
    void while_there_is_not_enough_runs_go_by_their_weights() {
        Share heavy = shares.begin(3, 1);
        Share light = shares.begin(1, 1);
        heavy.moved();
        light.moved();

        assertThat(heavy.pace().ratio()).isEqualTo(1);
        assertThat(light.pace().ratio()).isCloseTo(1.0 / 3, within(1e-9));
        assertThat(light.part()).isCloseTo(1.0 / 3, within(1e-9));
        assertThat(light.pace().reason().orElseThrow().word()).isEqualTo("weight");
    }

    @Test
    void a_weight_is_of_the_run_and_not_of_each_worker() {
        Share many = shares.begin(1, 4);
        Share one = shares.begin(1, 1);
        many.moved();
        one.moved();

        assertThat(many.pace().ratio()).as("four workers at a quarter").isEqualTo(0.25);
        assertThat(one.pace().ratio()).isEqualTo(1);
        many.weigh(4, 4);
        assertThat(many.pace().ratio()).isEqualTo(1);
    }

    @Test
    void while_there_is_enough_for_all_each_goes_as_fast_as_it_can() {
        Share heavy = shares.begin(3, 1);
        Share light = shares.begin(1, 1);
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
        Share heavy = shares.begin(3, 1);
        Share light = shares.begin(1, 1);
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
        Share light = shares.begin(1, 1);
        light.moved();
        assertThat(light.pace().ratio()).isEqualTo(1);

        light.elsewhere(Optional.of(4.0));
        assertThat(light.pace().ratio()).isEqualTo(0.25);
        shares.begin(8, 1).moved();
        assertThat(light.pace().ratio()).as("one here is heavier").isEqualTo(0.125);

        light.elsewhere(Optional.empty());
        timing.pass(Duration.ofSeconds(10));
        assertThat(light.pace().ratio()).isEqualTo(1);
        light.elsewhere(Optional.of(4.0));
        timing.pass(Duration.ofSeconds(10));
        assertThat(light.pace().ratio()).as("nobody has looked for long").isEqualTo(1);
    }

    @Test
    void weights_matter_only_while_there_is_little() {
        Share run = shares.begin(1, 1);
        assertThat(run.isOfLittle()).isFalse();

        run.pace();
        assertThat(run.isOfLittle()).isTrue();
        scarce = false;
        timing.pass(Duration.ofSeconds(3));
        run.pace();
        assertThat(run.isOfLittle()).isFalse();
    }
}
