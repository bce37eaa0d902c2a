package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.replication.ReplicationProbe.Follower;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AttendanceTest {

    private static final long SECOND = 1_000_000_000;
    private static final StandbyName A = new StandbyName("a", "10.0.0.1");
    private static final StandbyName B = new StandbyName("b", "10.0.0.2");

    private final Attendance learning = new Attendance(List.of());

    @Test
    void who_has_replayed_for_ten_seconds_is_expected_from_then_on() {
        assertThat(learning.seen(standbys(A), 0)).isEmpty();
        assertThat(learning.seen(standbys(A, B), 9 * SECOND)).isEmpty();
        assertThat(learning.seen(standbys(A, B), 10 * SECOND)).containsExactly(A);

        learning.learned(List.of(A));
        assertThat(learning.seen(standbys(A, B), 11 * SECOND)).isEmpty();
    }

    @Test
    void who_comes_and_goes_is_not_expected() {
        learning.seen(standbys(A), 0);
        learning.seen(standbys(), 5 * SECOND);
        assertThat(learning.seen(standbys(A), 12 * SECOND)).isEmpty();
        assertThat(learning.seen(standbys(A), 21 * SECOND)).isEmpty();
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void what_only_receives_is_never_expected() {
        Follower receiver = new Follower(1, A, Optional.of(1L), Optional.empty(), Optional.empty());
        learning.seen(List.of(receiver), 0);

        assertThat(learning.seen(List.of(receiver), 60 * SECOND)).isEmpty();
        learning.learned(List.of(A));
        learning.seen(List.of(receiver), 61 * SECOND);
        assertThat(learning.missing())
                .as("a receiver is no standby of that name")
                .containsExactly(A);
    }

    @Test
    void who_is_gone_is_missing_at_once_and_back_when_seen_three_times() {
        learning.learned(List.of(A));
        learning.seen(standbys(A), 0);
        assertThat(learning.missing()).isEmpty();

        learning.seen(standbys(), 1);
        assertThat(learning.missing()).containsExactly(A);
        learning.seen(standbys(A), 2);
        learning.seen(standbys(A), 3);
        assertThat(learning.missing()).containsExactly(A);
        learning.seen(standbys(), 4);
        learning.seen(standbys(A), 5);
        learning.seen(standbys(A), 6);
        assertThat(learning.missing()).as("three times in a row").containsExactly(A);
        learning.seen(standbys(A), 7);
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void who_is_forgotten_is_not_missing() {
        learning.learned(List.of(A, B));
        learning.seen(standbys(A), 0);
        assertThat(learning.missing()).containsExactly(B);

        learning.learned(List.of(A));
        learning.seen(standbys(A), 1);
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void configured_standbys_are_known_by_their_names_alone_and_nobody_else_is_learned() {
        Attendance configured = new Attendance(List.of("a"));
        assertThat(configured.seen(standbys(A, B), 0)).isEmpty();
        assertThat(configured.seen(standbys(new StandbyName("a", "10.9.9.9"), B), 60 * SECOND))
                .isEmpty();
        assertThat(configured.missing()).isEmpty();

        configured.seen(standbys(B), 61 * SECOND);
        assertThat(configured.missing()).extracting(StandbyName::name).containsExactly("a");
    }

    private static List<Follower> standbys(StandbyName... names) {
        return Stream.of(names)
                .map(name -> new Follower(name.hashCode(), name, Optional.of(1L), Optional.of(1L), Optional.empty()))
                .toList();
    }
}
