package dev.backfill.orchestrator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SignalMetersTest {

    private final Meters meters = new Meters("1.2.3");

    @AfterEach
    void close() {
        meters.close();
    }

    @Test
    void each_standby_has_its_value_and_each_signal_its_age() {
        Optional<Duration> age = Optional.of(Duration.ofMillis(250));
        meters.observeSignals(
                "main",
                List.of(
                        new SignalState(
                                "replication-lag",
                                age,
                                true,
                                List.of(
                                        reading("replication-lag", "a at 10.0.0.1", 2.5, OptionalDouble.of(5)),
                                        reading("replication-lag", "b", 0, OptionalDouble.of(5)))),
                        new SignalState(
                                "standby-missing",
                                age,
                                true,
                                List.of(reading("standby-missing", "", 2, OptionalDouble.of(0)))),
                        new SignalState(
                                "checkpoint-pressure",
                                age,
                                true,
                                List.of(reading("checkpoint-pressure", "", 0.25, OptionalDouble.empty())))));

        assertThat(lines("backfill_signal_value"))
                .containsExactlyInAnyOrder(
                        "backfill_signal_value{database=\"main\",signal=\"replication-lag\",source=\"a at 10.0.0.1\"} 2.5",
                        "backfill_signal_value{database=\"main\",signal=\"replication-lag\",source=\"b\"} 0.0",
                        "backfill_signal_value{database=\"main\",signal=\"standby-missing\",source=\"\"} 2.0",
                        "backfill_signal_value{database=\"main\",signal=\"checkpoint-pressure\",source=\"\"} 0.25");
        assertThat(lines("backfill_signal_limit")).hasSize(3);
        assertThat(lines("backfill_signal_age_seconds"))
                .contains("backfill_signal_age_seconds{database=\"main\",signal=\"replication-lag\",source=\"\"} 0.25");
        assertThat(lines("backfill_signal_up"))
                .contains("backfill_signal_up{database=\"main\",signal=\"standby-missing\",source=\"\"} 1.0");
    }

    @Test
    void before_anything_was_read_only_that_is_said() {
        meters.observeSignals("main", List.of(new SignalState("replication-lag", Optional.empty(), false, List.of())));

        assertThat(lines("backfill_signal_up")).hasSize(1).allMatch(line -> line.endsWith(" 0.0"));
        assertThat(lines("backfill_signal_value")).isEmpty();
        assertThat(lines("backfill_signal_age_seconds")).isEmpty();
    }

    private static SignalReading reading(String signal, String source, double value, OptionalDouble limit) {
        return new SignalReading(signal, source, value, limit, Verdict.GO);
    }

    private List<String> lines(String name) {
        return new Scrape(meters.scrape()).lines(name);
    }
}
