package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.RecordingListener;
import dev.backfill.orchestrator.testing.SettableGovernor;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PacerTest {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final String RUN = "00000000-0000-7000-8000-000000000001";

    private final SettableGovernor lag = new SettableGovernor("replication-lag");
    private final SettableGovernor window = new SettableGovernor("window");
    private RecordingListener listener;
    private SettableTiming timing;
    private Stop stop;
    private Pacer pacer;

    @BeforeEach
    void begin() {
        lag.allow(Pace.FULL);
        window.allow(Pace.FULL);
        listener = new RecordingListener();
        timing = new SettableTiming();
        stop = new Stop(timing);
        Steering.Course course =
                new Steering.Course(TestJobs.job("fill").definition().execution(), new Throttle(List.of(lag, window)));
        Steering steering = new Steering(Optional.empty(), course, tuned -> course);
        pacer = new Pacer(RUN, steering, listener, timing);
    }

    @Test
    void at_full_pace_a_run_moves_and_nothing_is_said() {
        assertThat(pacer.mayMove()).isTrue();
        assertThat(pacer.await(stop, Duration.ofHours(1))).isTrue();
        assertThat(pacer.rest(Duration.ofSeconds(1))).isZero();
        pacer.release();

        assertThat(listener.heard()).isEmpty();
        assertThat(timing.waits()).isEmpty();
    }

    @Test
    void a_slow_pace_is_no_hold() {
        lag.allow(lag.at(0.01));

        assertThat(pacer.mayMove()).isTrue();
        assertThat(listener.heard()).isEmpty();
    }

    @Test
    void a_hold_is_said_once_with_its_reason_and_so_is_its_end() {
        lag.allow(lag.at(0));
        assertThat(pacer.mayMove()).isFalse();
        assertThat(pacer.mayMove()).isFalse();

        lag.allow(Pace.FULL);
        assertThat(pacer.mayMove()).isTrue();
        assertThat(pacer.mayMove()).isTrue();

        assertThat(listener.heard())
                .containsExactly(
                        "held " + RUN + " replication-lag: detail of replication-lag",
                        "released " + RUN + " replication-lag");
    }

    @Test
    void another_reason_ends_the_hold_before_it() {
        window.allow(window.at(0));
        pacer.mayMove();

        lag.allow(lag.at(0));
        pacer.mayMove();

        assertThat(listener.heard())
                .containsExactly(
                        "held " + RUN + " window: detail of window",
                        "released " + RUN + " window",
                        "held " + RUN + " replication-lag: detail of replication-lag");
    }

    @Test
    void another_detail_of_the_same_reason_is_said_and_the_hold_goes_on() {
        lag.allow(lag.at(0, "6 s"));
        pacer.mayMove();

        lag.allow(lag.at(0, "7 s"));
        pacer.mayMove();

        assertThat(listener.heard())
                .containsExactly("held " + RUN + " replication-lag: 6 s", "held " + RUN + " replication-lag: 7 s");
    }

    @Test
    void a_hold_that_is_left_is_over() {
        lag.allow(lag.at(0));
        pacer.mayMove();

        pacer.release();
        pacer.release();

        assertThat(listener.heard()).last().isEqualTo("released " + RUN + " replication-lag");
        assertThat(listener.heard()).hasSize(2);
    }

    @Test
    void who_waits_asks_ten_times_a_second_until_it_may_move() {
        lag.allow(lag.at(0), lag.at(0), lag.at(0), Pace.FULL);

        assertThat(pacer.await(stop, Duration.ofSeconds(10))).isTrue();

        assertThat(timing.waits()).isEqualTo(Collections.nCopies(3, POLL));
        assertThat(listener.heard()).hasSize(2);
    }

    @Test
    void who_waited_long_enough_has_something_else_to_do_and_the_hold_goes_on() {
        lag.allow(lag.at(0));

        assertThat(pacer.await(stop, Duration.ofSeconds(10))).isFalse();

        assertThat(timing.waits()).isEqualTo(Collections.nCopies(100, POLL));
        assertThat(listener.heard()).hasSize(1);
    }

    @Test
    void who_waits_ends_at_once_when_work_is_asked_to_stop() {
        lag.allow(lag.at(0));
        stop.request();

        assertThat(pacer.await(stop, Duration.ofHours(1))).isFalse();

        assertThat(timing.waits()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1,    PT1S,  PT0S",
        "0.5,  PT1S,  PT1S",
        "0.25, PT1S,  PT3S",
        "0.8,  PT1S,  PT0.25S",
        "0.1,  PT10S, PT5S",
        "0,    PT1S,  PT0S",
    })
    void after_a_batch_it_rests_as_long_as_makes_the_pace_but_not_for_long(
            double ratio, Duration batch, Duration rest) {
        lag.allow(lag.at(ratio));

        assertThat(pacer.rest(batch)).isCloseTo(rest, Duration.ofNanos(1_000));
    }
}
