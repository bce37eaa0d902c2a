package dev.backfill.orchestrator.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.access.Attempts.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class AttemptsTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    /** Near the end of what a long holds: a clock of nanoseconds turns over. */
    private long now = Long.MAX_VALUE - Duration.ofSeconds(3).toNanos();

    private final Attempts attempts = new Attempts(() -> now);

    @Test
    void nobody_waits_for_a_few_failures() {
        for (int i = 1; i < Attempts.MOST; i++) {
            assertThat(attempts.failed("10.0.0.1")).isEqualTo(new Outcome(true, Duration.ZERO));
        }
    }

    @Test
    void who_goes_on_waits_longer_each_time_up_to_a_minute() {
        failOften("10.0.0.1");
        Duration wait = SECOND;
        for (int i = 0; i < 10; i++) {
            pass(wait);
            wait = wait.multipliedBy(2).compareTo(Duration.ofMinutes(1)) < 0
                    ? wait.multipliedBy(2)
                    : Duration.ofMinutes(1);
            assertThat(attempts.failed("10.0.0.1")).isEqualTo(new Outcome(true, wait));
        }
    }

    @Test
    void what_comes_while_an_address_has_to_wait_is_not_counted() {
        failOften("10.0.0.1");
        pass(Duration.ofMillis(400));
        for (int i = 0; i < 100; i++) {
            assertThat(attempts.failed("10.0.0.1")).isEqualTo(new Outcome(false, Duration.ofMillis(600)));
        }
    }

    @Test
    void others_do_not_wait_for_it() {
        failOften("10.0.0.1");
        assertThat(attempts.failed("10.0.0.2").toWait()).isZero();
    }

    @Test
    void after_five_minutes_it_is_forgotten() {
        failOften("10.0.0.1");
        pass(Duration.ofMinutes(5));
        assertThat(attempts.failed("10.0.0.1")).isEqualTo(new Outcome(true, Duration.ZERO));
    }

    @Test
    void addresses_of_one_ipv6_network_count_as_one() {
        for (int i = 1; i < Attempts.MOST; i++) {
            attempts.failed("2001:db8:0:1::" + i);
        }
        assertThat(attempts.failed("2001:db8:0:1:ffff::9").toWait()).isEqualTo(SECOND);
        assertThat(attempts.failed("2001:db8:0:2::1").toWait()).isZero();
    }

    @Test
    void many_addresses_push_out_those_that_were_quiet_longest() {
        failOften("10.0.0.1");
        for (int i = 0; i < 1_000; i++) {
            attempts.failed("10.1." + i / 256 + "." + i % 256);
        }
        assertThat(attempts.failed("10.0.0.1").toWait()).isZero();
    }

    private void failOften(String address) {
        for (int i = 1; i < Attempts.MOST; i++) {
            attempts.failed(address);
        }
        assertThat(attempts.failed(address)).isEqualTo(new Outcome(true, SECOND));
    }

    private void pass(Duration duration) {
        now += duration.toNanos();
    }
}
