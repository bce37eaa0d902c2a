package dev.backfill.orchestrator.standbys;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AttendanceTest {

    private static final long SECOND = 1_000_000_000;
    private static final StandbyName A = new StandbyName("a", "10.0.0.1");
    private static final StandbyName B = new StandbyName("b", "10.0.0.2");

    private final Attendance learning = new Attendance(List.of());

    @Test
    void who_has_replayed_for_ten_seconds_is_expected_from_then_on() {
        assertThat(learning.seen(standbys(A), List.of(), 0)).isEmpty();
        assertThat(learning.seen(standbys(A, B), List.of(), 9 * SECOND)).isEmpty();
        assertThat(learning.seen(standbys(A, B), List.of(), 10 * SECOND)).containsExactly(A);

        learning.learned(List.of(A));
        assertThat(learning.seen(standbys(A, B), List.of(), 11 * SECOND)).isEmpty();
    }

    @Test
    void who_comes_and_goes_is_not_expected() {
        learning.seen(standbys(A), List.of(), 0);
        learning.seen(standbys(), List.of(), 5 * SECOND);
        assertThat(learning.seen(standbys(A), List.of(), 12 * SECOND)).isEmpty();
        assertThat(learning.seen(standbys(A), List.of(), 21 * SECOND)).isEmpty();
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void who_comes_and_goes_as_it_likes_is_expected_only_by_its_name() {
        learning.seen(List.of(), List.of(A), 0);
        assertThat(learning.seen(List.of(), List.of(A), 60 * SECOND)).isEmpty();

        Attendance configured = new Attendance(List.of("a"));
        configured.seen(List.of(), List.of(A), 0);
        assertThat(configured.missing()).isEmpty();
        configured.seen(List.of(), List.of(B), SECOND);
        assertThat(configured.missing()).extracting(StandbyName::name).containsExactly("a");
    }

    @Test
    void who_is_gone_is_missing_at_once_and_back_when_seen_three_times() {
        learning.learned(List.of(A));
        learning.seen(standbys(A), List.of(), 0);
        assertThat(learning.missing()).isEmpty();

        learning.seen(standbys(), List.of(), 1);
        assertThat(learning.missing()).containsExactly(A);
        learning.seen(standbys(A), List.of(), 2);
        learning.seen(standbys(A), List.of(), 3);
        assertThat(learning.missing()).containsExactly(A);
        learning.seen(standbys(), List.of(), 4);
        learning.seen(standbys(A), List.of(), 5);
        learning.seen(standbys(A), List.of(), 6);
        assertThat(learning.missing()).as("three times in a row").containsExactly(A);
        learning.seen(standbys(A), List.of(), 7);
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void who_is_forgotten_is_not_missing() {
        learning.learned(List.of(A, B));
        learning.seen(standbys(A), List.of(), 0);
        assertThat(learning.missing()).containsExactly(B);

        learning.learned(List.of(A));
        learning.seen(standbys(A), List.of(), 1);
        assertThat(learning.missing()).isEmpty();
    }

    @Test
    void configured_standbys_are_known_by_their_names_alone_and_nobody_else_is_learned() {
        Attendance configured = new Attendance(List.of("a"));
        assertThat(configured.seen(standbys(A, B), List.of(), 0)).isEmpty();
        assertThat(configured.seen(standbys(new StandbyName("a", "10.9.9.9"), B), List.of(), 60 * SECOND))
                .isEmpty();
        assertThat(configured.missing()).isEmpty();

        configured.seen(standbys(B), List.of(), 61 * SECOND);
        assertThat(configured.missing()).extracting(StandbyName::name).containsExactly("a");
    }

    private static List<StandbyName> standbys(StandbyName... names) {
        return List.of(names);
    }
}
