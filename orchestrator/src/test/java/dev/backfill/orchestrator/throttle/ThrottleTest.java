package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.testing.SettableGovernor;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThrottleTest {

    private final SettableGovernor window = new SettableGovernor("window");
    private final SettableGovernor lag = new SettableGovernor("replication-lag");
    private final Throttle throttle = new Throttle(List.of(window, lag));

    @Test
    void without_governors_a_run_moves_as_fast_as_it_can() {
        assertThat(new Throttle(List.of()).pace()).isEqualTo(Pace.FULL);
        assertThat(new Throttle(List.of()).paces()).isEmpty();
    }

    @Test
    void the_strictest_governor_sets_the_pace_and_gives_the_reason() {
        window.allow(window.at(0.8));
        lag.allow(lag.at(0.3));
        assertThat(throttle.pace()).isEqualTo(lag.at(0.3));

        window.allow(window.at(0));
        assertThat(throttle.pace()).isEqualTo(window.at(0));
    }

    @Test
    void of_two_that_are_equally_strict_the_first_gives_the_reason() {
        window.allow(window.at(0));
        lag.allow(lag.at(0));

        assertThat(throttle.pace()).isEqualTo(window.at(0));
    }

    @Test
    void the_pace_of_each_governor_is_told_in_their_order() {
        lag.allow(lag.at(0.3));

        assertThat(throttle.paces().keySet()).containsExactly("window", "replication-lag");
        assertThat(throttle.paces()).containsEntry("window", Pace.FULL).containsEntry("replication-lag", lag.at(0.3));
    }

    @Test
    void one_more_governor_counts_like_the_others_and_comes_last() {
        SettableGovernor more = new SettableGovernor("more");
        Throttle with = throttle.and(more.allow(more.at(0.1)));

        assertThat(with.pace()).isEqualTo(more.at(0.1));
        assertThat(with.paces().keySet()).containsExactly("window", "replication-lag", "more");
        assertThat(throttle.pace()).as("the throttle without it").isEqualTo(Pace.FULL);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void a_pace_is_between_nothing_and_everything(double ratio) {
        assertThatThrownBy(() -> new Pace(ratio, Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("between 0 and 1");
    }

    @Test
    void only_a_pace_of_nothing_is_a_hold() {
        assertThat(lag.at(0).isHold()).isTrue();
        assertThat(lag.at(0.001).isHold()).isFalse();
        assertThat(Pace.FULL.isHold()).isFalse();
    }
}
