package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class EventWindowTest {

    private final EventWindow<String> window = new EventWindow<>(10);

    @Test
    void ids_without_a_gap_are_told_once_and_are_where_to_go_on() {
        assertThat(take(11, 12)).containsExactly(11L, 12L);
        assertThat(window.floor()).isEqualTo(12);
        assertThat(window.hasGaps()).isFalse();

        assertThat(take(11, 12, 13)).containsExactly(13L);
        assertThat(window.floor()).isEqualTo(13);
    }

    @Test
    void an_event_that_comes_late_is_told_and_nobody_went_on_behind_it() {
        assertThat(take(12, 13)).containsExactly(12L, 13L);
        assertThat(window.floor()).isEqualTo(10);
        assertThat(window.hasGaps()).isTrue();

        assertThat(take(11, 12, 13)).containsExactly(11L);
        assertThat(window.floor()).isEqualTo(13);
    }

    @Test
    void an_id_that_never_comes_is_passed_once_all_who_may_have_taken_it_have_ended() {
        take(12);
        window.ask("700");
        assertThat(window.horizon()).contains("700");
        take(12);
        assertThat(window.floor()).isEqualTo(10);

        window.take(read(12), true);

        assertThat(window.floor()).isEqualTo(12);
        assertThat(window.horizon()).isEmpty();
    }

    @Test
    void an_id_that_was_missed_after_the_question_is_not_passed_by_its_answer() {
        take(12);
        window.ask("700");
        take(12, 14);

        window.take(read(12, 14), true);

        assertThat(window.floor()).isEqualTo(12);
        assertThat(window.hasGaps()).isTrue();
        assertThat(take(12, 13, 14)).containsExactly(13L);
        assertThat(window.floor()).isEqualTo(14);
    }

    @Test
    void a_thousand_later_events_pass_what_does_not_end_and_are_all_that_is_kept() {
        long last = 12 + EventWindow.KEPT;
        for (long id = 12; id < last; id++) {
            take(id);
        }
        assertThat(window.floor()).isEqualTo(10);

        take(last);

        assertThat(window.low()).isEqualTo(12);
        assertThat(window.floor()).isEqualTo(last);
        assertThat(window.after(0)).hasSize(EventWindow.KEPT);
        assertThat(window.after(last - 2).keySet()).containsExactly(last - 1, last);
    }

    @Test
    void a_database_that_lacks_the_event_where_everybody_is_has_another_history() {
        assertThat(window.goesOnWith(read())).as("nothing is known").isTrue();
        take(11, 12, 14);

        assertThat(window.goesOnWith(read(12, 14, 15))).isTrue();
        assertThat(window.goesOnWith(read(14))).isFalse();
        assertThat(window.goesOnWith(read())).isFalse();
    }

    /** Transactions take ids, and end in any order, some of them without a trace. */
    @Test
    void whatever_the_order_of_commits_nothing_is_lost_behind_the_floor() {
        Random random = Seed.random("EventWindowTest");
        for (int round = 0; round < 200; round++) {
            assertNothingIsLost(random, "round " + round);
        }
    }

    private static void assertNothingIsLost(Random random, String which) {
        EventWindow<String> events = new EventWindow<>(0);
        NavigableSet<Long> committed = new TreeSet<>();
        NavigableSet<Long> told = new TreeSet<>();
        List<Long> open = new ArrayList<>();
        NavigableSet<Long> askedFor = new TreeSet<>();
        long next = 1;
        for (int step = 0; step < 60; step++) {
            int begun = random.nextInt(4);
            for (int i = 0; i < begun; i++) {
                open.add(next++);
            }
            while (!open.isEmpty() && random.nextInt(3) > 0) {
                long ended = open.remove(random.nextInt(open.size()));
                if (random.nextInt(4) > 0) {
                    committed.add(ended);
                }
            }
            boolean reached = events.horizon().isPresent() && open.stream().noneMatch(askedFor::contains);
            if (events.horizon().isEmpty() && events.hasGaps()) {
                askedFor.clear();
                askedFor.addAll(open);
                events.ask("now");
            }
            SortedMap<Long, String> read = new TreeMap<>();
            committed.tailSet(events.floor(), false).forEach(id -> read.put(id, "event"));
            NavigableSet<Long> fresh = new TreeSet<>(events.take(read, reached).keySet());
            assertThat(fresh).as(which).noneMatch(told::contains);
            told.addAll(fresh);
            assertThat(told).as(which).isEqualTo(committed);
            assertThat(open).as(which).allMatch(id -> id > events.floor());
        }
    }

    private NavigableSet<Long> take(long... ids) {
        return new TreeSet<>(window.take(read(ids), false).keySet());
    }

    private static SortedMap<Long, String> read(long... ids) {
        SortedMap<Long, String> read = new TreeMap<>();
        for (long id : ids) {
            read.put(id, "event " + id);
        }
        return read;
    }
}
