package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.replication.Judge.Verdict;
import dev.backfill.orchestrator.replication.ReplicationProbe.Answer;
import dev.backfill.orchestrator.replication.ReplicationProbe.Follower;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reader;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reply;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.standbys.Attendance;
import dev.backfill.orchestrator.standbys.StandbyName;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JudgeTest {

    private static final long QUARTER = 250_000_000;
    private static final Duration QUICK = Duration.ofMillis(2);
    private static final StandbyName A = new StandbyName("walreceiver", "10.0.0.1");

    private final Attendance attendance = new Attendance(List.of());
    private final Judge judge = new Judge(attendance);
    private long at;
    private long replies;

    @Test
    void an_idle_primary_has_nobody_behind() {
        KeepingUp standby = new KeepingUp(A, 0, Duration.ZERO, java.util.OptionalDouble.empty(), Optional.empty());
        for (int i = 0; i < 40; i++) {
            standby = only(probe(5_000_000, standby(1, 5_000_000)));
        }

        assertThat(standby.lag()).isZero();
        assertThat(standby.drain(0)).isZero();
    }

    @Test
    void what_a_standby_has_left_is_divided_by_its_speed() {
        KeepingUp standby = only(probe(20_000_000, standby(1, 0)));
        for (long i = 1; i <= 8; i++) {
            standby = only(probe(20_000_000 + i * 1_000_000, standby(1, i * 500_000)));
        }

        assertThat(standby.backlog()).isEqualTo(24_000_000);
        assertThat(standby.speed()).hasValue(2_000_000);
        assertThat(standby.drain(0)).isEqualTo(Duration.ofSeconds(12));
        assertThat(standby.drain(2_000_000)).isEqualTo(Duration.ofSeconds(13));
    }

    @Test
    void a_standby_that_says_nothing_new_teaches_nothing() {
        for (long i = 0; i <= 8; i++) {
            probe(20_000_000, standby(1, i * 500_000));
        }
        Follower silent = standby(1, 4_500_000);
        for (int i = 0; i < 40; i++) {
            assertThat(only(probe(20_000_000, silent)).speed()).hasValue(2_000_000);
        }
    }

    @Test
    void two_standbys_of_the_same_name_and_address_are_measured_apart() {
        Standing standing = probe(100_000_000, standby(1, 0), standby(2, 50_000_000));
        for (long i = 1; i <= 8; i++) {
            standing = probe(100_000_000, standby(1, i * 500_000), standby(2, 50_000_000 + i * 1_000_000));
        }

        assertThat(standing.keepingUp())
                .extracting(k -> k.speed().orElseThrow())
                .containsExactly(2_000_000.0, 4_000_000.0);
    }

    @Test
    void the_age_of_a_reply_goes_by_our_clock_once_a_second_one_came() {
        Duration wrong = Duration.ofMinutes(2);
        assertThat(only(probe(1, follower(1, 7, wrong))).replyAge()).contains(wrong);
        assertThat(only(probe(1, follower(1, 8, wrong))).replyAge()).contains(Duration.ZERO);
        assertThat(only(probe(1, follower(1, 8, wrong))).replyAge()).contains(Duration.ofNanos(QUARTER));
    }

    @Test
    void what_only_receives_is_as_far_behind_as_when_it_reported() {
        Reply first = new Reply(1, Duration.ZERO);
        probe(1_000_000, receiver(1_000_000, first));
        KeepingUp receiver = only(probe(2_000_000, receiver(1_000_000, first)));
        for (int i = 0; i < 38; i++) {
            receiver = only(probe(3_000_000 + i, receiver(1_000_000, first)));
        }
        assertThat(receiver.lag()).isZero();

        assertThat(only(probe(9_000_000, receiver(2_500_000, new Reply(2, Duration.ZERO))))
                        .lag())
                .as("9.5 s after the primary had passed it")
                .isEqualTo(Duration.ofNanos(38 * QUARTER));
    }

    @Test
    void what_only_receives_is_no_standby_of_its_name() {
        attendance.learned(List.of(A));
        for (int i = 0; i < 50; i++) {
            Verdict verdict = judge.judge(at += QUARTER, QUICK, answer(1, receiver(1, new Reply(1, Duration.ZERO))));
            assertThat(verdict.newlyExpected()).isEmpty();
            assertThat(verdict.standing().missing()).containsExactly(A);
        }
    }

    @Test
    void a_reader_of_the_same_storage_is_as_far_behind_as_the_server_says_and_never_expected() {
        Reader reader = new Reader(A, Duration.ofMillis(700), Duration.ofMillis(300));
        for (int i = 0; i < 50; i++) {
            Verdict verdict = judge.judge(at += QUARTER, QUICK, new Answer(0, List.of(), List.of(reader), true));
            KeepingUp found = only(verdict.standing());
            assertThat(found.lag()).isEqualTo(Duration.ofMillis(700));
            assertThat(found.replyAge()).contains(Duration.ofMillis(300));
            assertThat(verdict.newlyExpected()).isEmpty();
            assertThat(verdict.standing().isSeldom()).isTrue();
        }
    }

    @Test
    void looks_that_take_long_are_seldom_and_one_that_did_is_none() {
        Duration slow = Duration.ofMillis(650);
        assertThat(look(slow)).as("all that there were").isTrue();
        assertThat(look(slow)).isTrue();
        assertThat(look(Duration.ofMillis(649))).isFalse();
        assertThat(look(slow)).isFalse();
        assertThat(look(slow)).isFalse();
        assertThat(look(slow)).isTrue();
    }

    private boolean look(Duration took) {
        return judge.judge(at += QUARTER, took, answer(1, standby(1, 1)))
                .standing()
                .isSeldom();
    }

    private static Answer answer(long position, Follower... followers) {
        return new Answer(position, List.of(followers), List.of(), false);
    }

    private Standing probe(long position, Follower... followers) {
        at += QUARTER;
        return judge.judge(at, QUICK, answer(position, followers)).standing();
    }

    private static KeepingUp only(Standing standing) {
        assertThat(standing.keepingUp()).hasSize(1);
        return standing.keepingUp().get(0);
    }

    private Follower standby(int pid, long replayed) {
        return new Follower(
                pid, A, Optional.of(replayed), Optional.of(replayed), Optional.of(new Reply(replies++, Duration.ZERO)));
    }

    private static Follower follower(int pid, long sent, Duration age) {
        return new Follower(pid, A, Optional.of(1L), Optional.of(1L), Optional.of(new Reply(sent, age)));
    }

    private static Follower receiver(long received, Reply reply) {
        return new Follower(9, A, Optional.of(received), Optional.empty(), Optional.of(reply));
    }
}
