package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import dev.backfill.orchestrator.replication.Readings.Reading;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.replication.Standing.Primary;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Governors and what they read. */
class SignalGovernorTest {

    private static final StandbyName A = new StandbyName("a", "");
    private static final ReplicationLimits LIMITS = new ReplicationLimits(
            EnumSet.allOf(Watched.class), Duration.ofSeconds(5), Duration.ofSeconds(30), List.of());

    private final SettableSight sight = new SettableSight();

    private static final class SettableSight implements SignalGovernor.Sight {

        private Optional<Standing> standing = Optional.empty();
        private Optional<String> trouble = Optional.empty();
        private long now = Long.MAX_VALUE - 1;

        void pass(Duration duration) {
            now += duration.toNanos();
        }

        void see(double writing, List<KeepingUp> keepingUp, StandbyName... missing) {
            standing = Optional.of(new Standing(now, new Primary(0, false, writing), keepingUp, List.of(missing)));
        }

        void see(KeepingUp keepingUp) {
            see(0, List.of(keepingUp));
        }

        @Override
        public Optional<Standing> standing() {
            return standing;
        }

        @Override
        public Optional<String> trouble() {
            return trouble;
        }

        @Override
        public long now() {
            return now;
        }
    }

    @Test
    void before_the_first_look_it_holds() {
        assertThat(reason(governor(Signal.REPLICATION_LAG))).contains("it is being looked");
    }

    @Test
    void what_was_seen_counts_for_five_seconds() {
        SignalGovernor governor = governor(Signal.REPLICATION_LAG);
        sight.see(behind(0));
        sight.pass(Duration.ofMillis(4_999));
        assertThat(governor.pace().isHold()).isFalse();

        sight.trouble = Optional.of("connection refused");
        sight.pass(Duration.ofMillis(1));
        assertThat(reason(governor)).contains("connection refused");
    }

    @Test
    void a_lag_over_the_budget_holds_until_it_is_half_of_it() {
        SignalGovernor governor = governor(Signal.REPLICATION_LAG);
        sight.see(behind(5.0));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
        sight.see(behind(5.1));
        assertThat(reason(governor)).isEqualTo("standby a is 5.1 s behind; allowed are 5.0 s");

        sight.pass(Duration.ofSeconds(2));
        sight.see(behind(2.6));
        assertThat(reason(governor)).isEqualTo("standby a is 2.6 s behind; allowed are 5.0 s");
        sight.see(behind(2.5));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
    }

    @Test
    void what_is_seen_first_is_watched_for_a_second_and_says_so() {
        SignalGovernor governor = governor(Signal.REPLICATION_LAG);
        assertThat(reason(governor)).startsWith("it is being looked whether there are standbys");

        sight.see(behind(0));

        assertThat(reason(governor))
                .isEqualTo("standby a is 0.0 s behind; allowed are 5.0 s; it is watched for a second first");
        sight.pass(Duration.ofSeconds(1));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
    }

    @ParameterizedTest
    @EnumSource
    void where_there_is_no_standby_nothing_is_watched_first(Signal signal) {
        SignalGovernor governor = governor(signal);
        assertThat(governor.pace().isHold()).isTrue();
        assertThat(governor.pace().isHold()).isTrue();

        sight.see(0, List.of());
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
    }

    @Test
    void after_trouble_it_is_watched_for_a_second_also_where_there_is_no_standby() {
        SignalGovernor governor = governor(Signal.REPLICATION_LAG);
        sight.trouble = Optional.of("the connection is lost");
        assertThat(reason(governor)).isEqualTo("the standbys cannot be seen: the connection is lost");

        sight.trouble = Optional.empty();
        sight.see(0, List.of());
        assertThat(governor.pace().isHold()).isTrue();
    }

    @Test
    void a_hold_lasts_a_second_except_that_of_the_drain_gate() {
        SignalGovernor lag = governor(Signal.REPLICATION_LAG);
        SignalGovernor drain = governor(Signal.REPLICATION_DRAIN);
        sight.see(new KeepingUp(A, 60_000_000, seconds(6), OptionalDouble.of(10e6), Optional.empty()));
        assertThat(lag.pace().isHold()).isTrue();
        assertThat(reason(drain)).isEqualTo("standby a would need 6.0 s for its backlog; allowed are 1.0 s");

        sight.pass(Duration.ofMillis(999));
        sight.see(new KeepingUp(A, 0, Duration.ZERO, OptionalDouble.of(10e6), Optional.empty()));
        assertThat(lag.pace().isHold()).isTrue();
        assertThat(drain.pace().isHold()).isFalse();
        sight.pass(Duration.ofMillis(1));
        assertThat(lag.pace().isHold()).isFalse();
    }

    @Test
    void what_was_written_since_the_look_counts_as_backlog() {
        SignalGovernor governor = governor(Signal.REPLICATION_DRAIN);
        sight.see(40e6, List.of(new KeepingUp(A, 9_000_000, seconds(1), OptionalDouble.of(10e6), Optional.empty())));
        assertThat(governor.pace().isHold()).isFalse();

        sight.pass(Duration.ofMillis(20));
        assertThat(governor.pace().isHold()).isFalse();
        sight.pass(Duration.ofMillis(10));
        assertThat(governor.pace().isHold()).isTrue();
    }

    @Test
    void while_a_speed_is_not_known_the_lag_stands_for_the_drain_time() {
        SignalGovernor governor = governor(Signal.REPLICATION_DRAIN);
        sight.see(behind(1.1));

        assertThat(governor.pace().isHold()).isTrue();
    }

    @Test
    void a_standby_that_stands_still_is_no_division_by_zero() {
        SignalGovernor governor = governor(Signal.REPLICATION_DRAIN);
        sight.see(new KeepingUp(A, Long.MAX_VALUE / 2, Duration.ZERO, OptionalDouble.of(0), Optional.empty()));
        assertThat(reason(governor)).contains("86400.0 s");
    }

    @Test
    void who_is_missing_is_named_with_the_way_out() {
        SignalGovernor governor = governor(Signal.STANDBY_MISSING);
        sight.see(0, List.of(), A, new StandbyName("b", "10.0.0.2"));
        Pace.Reason reason = governor.pace().reason().orElseThrow();
        assertThat(reason.detail()).isEqualTo("expected standbys are not connected: a, b at 10.0.0.2");
        assertThat(reason.next())
                .contains("the primary that the run is on", "DELETE /api/v1/databases/NAME/standbys/STANDBY");

        sight.see(0, List.of());
        assertThat(reason(governor)).isEqualTo("all expected standbys are back");
        sight.pass(Duration.ofSeconds(1));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
    }

    @Test
    void the_worst_standby_decides() {
        SignalGovernor governor = governor(Signal.STANDBY_STALE);
        sight.see(0, List.of(replied(A, 31), replied(new StandbyName("b", ""), 90), replied(A, 1)));

        assertThat(reason(governor)).isEqualTo("standby b has not replied for 90.0 s; allowed are 30.0 s");
    }

    @Test
    void of_two_standbys_of_one_name_the_worse_is_read() {
        sight.see(0, List.of(behind(1), behind(3), behind(2)));

        assertThat(Readings.of(Signal.REPLICATION_LAG, sight.standing.orElseThrow(), LIMITS, Duration.ZERO))
                .containsExactly(new Reading(Signal.REPLICATION_LAG, "a", 3, 5));
    }

    @Test
    void without_any_standby_nothing_is_held() {
        sight.see(0, List.of());

        for (Signal signal : Signal.values()) {
            assertThat(governor(signal).pace()).as(signal.word()).isEqualTo(Pace.FULL);
        }
    }

    @Test
    void only_signals_that_are_on_are_read() {
        ReplicationLimits some = new ReplicationLimits(
                EnumSet.of(Watched.LAG, Watched.MISSING), Duration.ofSeconds(5), Duration.ofSeconds(30), List.of());
        sight.see(behind(3));

        Optional<Duration> age = Optional.of(Duration.ZERO);
        OptionalDouble budget = OptionalDouble.of(5);
        assertThat(Readings.states(sight.standing, some, age))
                .containsExactly(
                        new SignalState(
                                "replication-lag",
                                age,
                                true,
                                List.of(new SignalReading("replication-lag", "a", 3, budget, Verdict.GO))),
                        new SignalState(
                                "standby-missing",
                                age,
                                true,
                                List.of(new SignalReading(
                                        "standby-missing", "", 0, OptionalDouble.of(0), Verdict.GO))));
        assertThat(Readings.states(Optional.empty(), some, Optional.empty()))
                .extracting(SignalState::up)
                .containsExactly(false, false);
    }

    private SignalGovernor governor(Signal signal) {
        return new SignalGovernor(signal, LIMITS, sight);
    }

    private static String reason(SignalGovernor governor) {
        return governor.pace().reason().orElseThrow().detail();
    }

    private static KeepingUp behind(double seconds) {
        return new KeepingUp(A, 0, seconds(seconds), OptionalDouble.empty(), Optional.empty());
    }

    private static KeepingUp replied(StandbyName name, int seconds) {
        return new KeepingUp(name, 0, Duration.ZERO, OptionalDouble.empty(), Optional.of(seconds(seconds)));
    }

    private static Duration seconds(double seconds) {
        return Duration.ofNanos((long) (seconds * 1e9));
    }
}
