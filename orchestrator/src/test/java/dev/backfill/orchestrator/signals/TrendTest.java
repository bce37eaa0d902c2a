package dev.backfill.orchestrator.signals;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.gauges.Sample;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrendTest {

    private final Trend trend = new Trend(4);

    @Test
    void active_sessions_are_for_each_core() {
        assertThat(values(HealthSignal.ACTIVE_SESSIONS, 0, sample("", 6, ""))).containsExactly(1.5);
    }

    @Test
    void of_what_a_slot_keeps_the_least_of_ten_seconds_counts() {
        assertThat(values(HealthSignal.SLOT_RETENTION, 0, sample("a", 5, ""), sample("b", 7, "")))
                .containsExactly(5.0, 7.0);
        assertThat(values(HealthSignal.SLOT_RETENTION, 10, sample("a", 90, ""))).containsExactly(5.0);
        assertThat(values(HealthSignal.SLOT_RETENTION, 11, sample("a", 80, ""), sample("b", 9, "")))
                .as("the first look is too long ago, and b is another slot of that name")
                .containsExactly(80.0, 9.0);
    }

    @Test
    void of_checkpoints_those_since_the_last_look_at_which_there_was_one_count() {
        HealthSignal signal = HealthSignal.CHECKPOINT_PRESSURE;
        assertThat(values(signal, 0, sample("", 900, "1000"))).as("long ago").containsExactly(0.0);
        assertThat(values(signal, 1, sample("", 901, "1004"))).containsExactly(0.25);
        assertThat(values(signal, 2, sample("", 901, "1004"))).as("none since").containsExactly(0.25);
        assertThat(values(signal, 3, sample("", 903, "1006"))).containsExactly(1.0);
        assertThat(values(signal, 4, sample("", 1, "2")))
                .as("counters begin anew")
                .containsExactly(0.0);
    }

    private List<Double> values(HealthSignal signal, int second, Sample... samples) {
        return trend
                .of(signal, Arrays.asList(samples), Duration.ofSeconds(second).toNanos())
                .stream()
                .map(Sample::value)
                .toList();
    }

    private static Sample sample(String source, double value, String detail) {
        return new Sample(source, value, detail, Optional.empty());
    }
}
