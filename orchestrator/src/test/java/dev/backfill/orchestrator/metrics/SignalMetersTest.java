package dev.backfill.orchestrator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.replication.Readings.Reading;
import dev.backfill.orchestrator.replication.ReplicationWatch.Health;
import dev.backfill.orchestrator.replication.Signal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
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
        List<Reading> readings = List.of(
                new Reading(Signal.REPLICATION_LAG, "a at 10.0.0.1", 2.5, 5),
                new Reading(Signal.REPLICATION_LAG, "b", 0, 5),
                new Reading(Signal.STANDBY_MISSING, "c, d", 2, 0));
        meters.observeSignals(
                "main",
                new Health(
                        List.of(Signal.REPLICATION_LAG, Signal.STANDBY_MISSING),
                        readings,
                        Optional.of(Duration.ofMillis(250)),
                        true));

        assertThat(lines("backfill_signal_value"))
                .containsExactlyInAnyOrder(
                        "backfill_signal_value{database=\"main\",signal=\"replication-lag\",source=\"a at 10.0.0.1\"} 2.5",
                        "backfill_signal_value{database=\"main\",signal=\"replication-lag\",source=\"b\"} 0.0",
                        "backfill_signal_value{database=\"main\",signal=\"standby-missing\",source=\"\"} 2.0");
        assertThat(lines("backfill_signal_limit")).hasSize(3);
        assertThat(lines("backfill_signal_age_seconds"))
                .contains("backfill_signal_age_seconds{database=\"main\",signal=\"replication-lag\",source=\"\"} 0.25");
        assertThat(lines("backfill_signal_up"))
                .contains("backfill_signal_up{database=\"main\",signal=\"standby-missing\",source=\"\"} 1.0");
    }

    @Test
    void before_anything_was_read_only_that_is_said() {
        meters.observeSignals("main", new Health(List.of(Signal.REPLICATION_LAG), List.of(), Optional.empty(), false));

        assertThat(lines("backfill_signal_up")).hasSize(1).allMatch(line -> line.endsWith(" 0.0"));
        assertThat(lines("backfill_signal_value")).isEmpty();
        assertThat(lines("backfill_signal_age_seconds")).isEmpty();
    }

    private List<String> lines(String name) {
        return new Scrape(meters.scrape()).lines(name);
    }
}
