package dev.backfill.orchestrator.gauges;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.signals.HealthSignal;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.Pace;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class LevelGovernorTest {

    private static final Level ARCHIVE = new Level(OptionalDouble.of(16), OptionalDouble.of(64), 8);

    private final SettableTiming timing = new SettableTiming();

    @Test
    void the_pace_falls_in_a_straight_line_between_slow_and_hold() {
        Gauge gauge = new Gauge(HealthSignal.ARCHIVE_BACKLOG, timing);
        Governor governor = new LevelGovernor(gauge, ARCHIVE, Optional.empty());

        assertThat(pace(gauge, governor, 16)).isEqualTo(1);
        assertThat(pace(gauge, governor, 40)).isCloseTo(0.55, within(1e-9));
        assertThat(pace(gauge, governor, 64)).isCloseTo(0.1, within(1e-9));
        assertThat(pace(gauge, governor, 65)).isZero();
        assertThat(governor.pace().reason().orElseThrow().detail())
                .isEqualTo("65 files of WAL wait for the archiver; allowed are 64");
    }

    @Test
    void a_hold_lasts_until_it_is_well_below_and_for_a_second_at_least() {
        Gauge gauge = new Gauge(HealthSignal.ARCHIVE_BACKLOG, timing);
        Governor governor = new LevelGovernor(gauge, ARCHIVE, Optional.empty());

        assertThat(pace(gauge, governor, 65)).isZero();
        assertThat(pace(gauge, governor, 5)).as("at once").isZero();
        timing.pass(Duration.ofMillis(999));
        assertThat(pace(gauge, governor, 9)).isZero();
        timing.pass(Duration.ofMillis(1));
        assertThat(pace(gauge, governor, 9)).as("not well below").isZero();
        assertThat(pace(gauge, governor, 8)).isEqualTo(1);
    }

    @Test
    void a_hold_that_held_nobody_for_long_is_forgotten() {
        Gauge gauge = new Gauge(HealthSignal.ARCHIVE_BACKLOG, timing);
        Governor governor = new LevelGovernor(gauge, ARCHIVE, Optional.empty());
        assertThat(pace(gauge, governor, 65)).isZero();

        timing.pass(Duration.ofSeconds(59));
        assertThat(pace(gauge, governor, 12)).as("somebody is held").isZero();
        timing.pass(Duration.ofSeconds(60));
        assertThat(pace(gauge, governor, 12)).as("nobody was").isEqualTo(1);
    }

    @Test
    void while_an_application_is_at_work_batches_are_brief_and_the_pace_is_full() {
        Gauge gauge = new Gauge(HealthSignal.FOREGROUND, timing);
        Governor governor =
                new LevelGovernor(gauge, new Level(OptionalDouble.of(2), OptionalDouble.empty(), 2), Optional.empty());

        assertThat(pace(gauge, governor, 2)).isEqualTo(1);
        assertThat(governor.wantsBrief()).isFalse();
        assertThat(pace(gauge, governor, 3)).isEqualTo(1);
        assertThat(governor.wantsBrief()).isTrue();

        assertThat(pace(gauge, governor, 0)).isEqualTo(1);
        timing.pass(Duration.ofMillis(2_999));
        assertThat(governor.wantsBrief()).as("it may come again").isTrue();
        timing.pass(Duration.ofMillis(1));
        assertThat(governor.wantsBrief()).isFalse();
    }

    @Test
    void an_alarm_holds_whatever_the_value_is() {
        Gauge gauge = new Gauge(HealthSignal.ARCHIVE_BACKLOG, timing);
        Governor governor = new LevelGovernor(gauge, ARCHIVE, Optional.empty());
        gauge.read(List.of(new Sample("", 0, "", Optional.of("the archiver fails"))), timing.nanos());

        assertThat(governor.pace().isHold()).isTrue();
        assertThat(governor.pace().reason().orElseThrow().detail()).isEqualTo("the archiver fails");
    }

    @Test
    void what_was_not_read_yet_or_too_long_ago_holds() {
        Gauge gauge = new Gauge(HealthSignal.ARCHIVE_BACKLOG, timing);
        Governor governor = new LevelGovernor(gauge, ARCHIVE, Optional.empty());

        assertThat(governor.pace().reason().orElseThrow().detail()).contains("for the first time");
        assertThat(pace(gauge, governor, 0)).isEqualTo(1);
        gauge.failed("connection refused");
        timing.pass(HealthSignal.ARCHIVE_BACKLOG.staleAfter().minusNanos(1));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
        timing.pass(Duration.ofNanos(1));
        assertThat(governor.pace().isHold()).isTrue();
        assertThat(governor.pace().reason().orElseThrow().detail()).contains("connection refused");
        assertThat(pace(gauge, governor, 0)).as("read again").isEqualTo(1);
    }

    @Test
    void a_table_that_was_not_looked_at_yet_holds_and_is_not_said_to_be_read_too_long_ago() {
        Gauge gauge = new Gauge(HealthSignal.DEAD_TUPLES, timing);
        Level level = new Level(OptionalDouble.of(0.2), OptionalDouble.of(0.4), 0.1);
        Governor governor = new LevelGovernor(gauge, level, Optional.of("public.t"));

        gauge.read(List.of(), timing.nanos());
        assertThat(governor.pace().isHold()).isTrue();
        assertThat(governor.pace().reason().orElseThrow().detail()).contains("for the first time");
        timing.pass(HealthSignal.DEAD_TUPLES.staleAfter());
        assertThat(governor.pace().reason().orElseThrow().detail()).contains("120 s ago, which is too long");
    }

    @Test
    void a_signal_without_a_hold_takes_half_of_the_pace() {
        Gauge gauge = new Gauge(HealthSignal.CHECKPOINT_PRESSURE, timing);
        Level level = new Level(OptionalDouble.of(0.5), OptionalDouble.empty(), Double.MAX_VALUE);
        Governor governor = new LevelGovernor(gauge, level, Optional.empty());

        assertThat(pace(gauge, governor, 0.5)).isEqualTo(1);
        assertThat(pace(gauge, governor, 1)).isEqualTo(0.5);
    }

    @Test
    void the_worst_of_several_sources_counts() {
        Gauge gauge = new Gauge(HealthSignal.SLOT_RETENTION, timing);
        Level level = new Level(OptionalDouble.empty(), OptionalDouble.of(100), 80);
        Governor governor = new LevelGovernor(gauge, level, Optional.empty());

        read(gauge, sample("a", 1), sample("b", 101), sample("c", 100));
        assertThat(governor.pace().reason().orElseThrow().detail()).startsWith("b: ");
        timing.pass(Duration.ofSeconds(2));
        read(gauge, sample("a", 81), sample("b", 0));
        assertThat(governor.pace().isHold()).as("another is not well below").isTrue();
        read(gauge);
        assertThat(governor.pace()).as("none is left").isEqualTo(Pace.FULL);
    }

    @Test
    void a_table_s_readings_count_for_its_own_runs() {
        Gauge gauge = new Gauge(HealthSignal.LOCK_STORM, timing);
        Level level = new Level(OptionalDouble.empty(), OptionalDouble.of(20), 20);
        Governor all = new LevelGovernor(gauge, level, Optional.empty());
        Governor mine = new LevelGovernor(gauge, level, Optional.of("public.a"));
        Governor others = new LevelGovernor(gauge, level, Optional.of("public.b"));
        Governor unread = new LevelGovernor(gauge, level, Optional.of("public.c"));

        read(
                gauge,
                sample("", 0),
                ofTable("public.b", 0),
                new Sample("public.a", 0, "", Optional.of("DDL waits"), true));
        assertThat(List.of(
                        all.pace().isHold(), mine.pace().isHold(), others.pace().isHold()))
                .containsExactly(false, true, false);
        assertThat(unread.pace().isHold()).as("not read of this table yet").isTrue();

        timing.pass(Duration.ofSeconds(1));
        read(gauge, sample("", 21), ofTable("public.a", 0), ofTable("public.b", 0));
        assertThat(List.of(
                        all.pace().isHold(), mine.pace().isHold(), others.pace().isHold()))
                .containsExactly(true, false, false);
    }

    private double pace(Gauge gauge, Governor governor, double value) {
        read(gauge, sample("", value));
        return governor.pace().ratio();
    }

    private void read(Gauge gauge, Sample... samples) {
        gauge.read(Arrays.asList(samples), timing.nanos());
    }

    private static Sample ofTable(String table, double value) {
        return new Sample(table, value, "", Optional.empty(), true);
    }

    private static Sample sample(String source, double value) {
        return new Sample(source, value, "", Optional.empty());
    }
}
