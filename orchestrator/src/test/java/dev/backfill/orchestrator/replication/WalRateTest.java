package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.replication.Standing.Primary;
import dev.backfill.orchestrator.replication.WalRate.Own;
import dev.backfill.orchestrator.standbys.StandbyName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class WalRateTest {

    private static final double MEGABYTE = 1e6;
    private static final double SPEED = 20 * MEGABYTE;
    private static final long SECOND = 1_000_000_000;
    private static final StandbyName A = new StandbyName("a", "");

    private final WalRate rate = new WalRate(1, 5);

    @Test
    void a_standby_without_a_backlog_is_given_one_of_a_second() {
        see(0, 0, 0, Duration.ZERO, new Own(0, 0, 0));

        assertThat(rate.bytesPerSecond()).isEqualTo(SPEED * 1.25);
    }

    @Test
    void what_others_write_is_theirs_and_counts_for_a_while_after() {
        see(0, 12 * MEGABYTE, SPEED, Duration.ofSeconds(1), new Own(0, 0, 2 * MEGABYTE));
        assertThat(rate.bytesPerSecond()).isEqualTo(10 * MEGABYTE);
        see(SECOND, 2 * MEGABYTE, SPEED, Duration.ofSeconds(1), new Own(0, 0, 2 * MEGABYTE));
        assertThat(rate.bytesPerSecond()).isEqualTo(13 * MEGABYTE);
    }

    @Test
    void what_was_written_since_the_standbys_were_seen_counts_as_backlog() {
        see(0, 0, SPEED, Duration.ofSeconds(1), new Own(5 * MEGABYTE, 25 * MEGABYTE, 0));

        assertThat(rate.bytesPerSecond()).isEqualTo(SPEED - 5 * MEGABYTE);
    }

    @Test
    void over_the_budget_a_quarter_of_what_is_spare_is_left_at_most_and_nothing_while_the_backlog_is_huge() {
        see(0, 0, SPEED, Duration.ofSeconds(6), new Own(0, 0, 0));
        assertThat(rate.bytesPerSecond()).isEqualTo(SPEED / 4);

        see(SECOND, 0, 10 * SPEED, Duration.ofSeconds(6), new Own(0, 0, 0));
        assertThat(rate.bytesPerSecond()).isZero();
        assertThat(rate.isUsedUp(100 * SECOND, 0)).isTrue();
    }

    @Test
    void the_rate_is_used_up_and_earned_again_and_half_a_second_of_it_is_saved_at_most() {
        see(0, 0, SPEED, Duration.ofSeconds(1), new Own(0, 0, 0));
        assertThat(rate.isUsedUp(0, 1)).as("nothing is saved yet").isTrue();
        assertThat(rate.isUsedUp(SECOND, 1)).isFalse();

        assertThat(rate.isUsedUp(60 * SECOND, 1)).isFalse();
        assertThat(rate.isUsedUp(60 * SECOND, 1 + SPEED / 2)).isFalse();
        assertThat(rate.isUsedUp(60 * SECOND, 2 + SPEED / 2)).isTrue();
    }

    @Test
    void what_was_written_before_the_standbys_were_seen_is_owed_by_nobody() {
        double ever = 200_000 * MEGABYTE;
        see(0, 0, SPEED, Duration.ofSeconds(1), new Own(ever, ever, 0));
        assertThat(rate.isUsedUp(0, ever)).isFalse();

        see(3_600 * SECOND, 0, SPEED, Duration.ofSeconds(1), new Own(2 * ever, 2 * ever, 0));
        assertThat(rate.isUsedUp(3_600 * SECOND, 2 * ever)).isFalse();
    }

    @Test
    void a_standby_whose_speed_is_not_known_has_no_say() {
        KeepingUp unknown = new KeepingUp(A, 1L << 40, Duration.ZERO, OptionalDouble.empty(), Optional.empty());
        rate.seen(new Standing(0, new Primary(0, true, 0), List.of(unknown), List.of()), 0, new Own(0, 0, 0));

        assertThat(rate.isUsedUp(SECOND, 1e15)).isFalse();
    }

    private void see(long at, double writing, double backlog, Duration lag, Own own) {
        KeepingUp standby = new KeepingUp(A, (long) backlog, lag, OptionalDouble.of(SPEED), Optional.of(Duration.ZERO));
        rate.seen(new Standing(at, new Primary(0, true, writing), List.of(standby), List.of()), at, own);
    }
}
