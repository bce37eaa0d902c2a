package dev.backfill.orchestrator.site;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.site.HoldBook.Entry;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class HoldBookTest {

    private static final Instant NOON = Instant.parse("2026-11-25T12:00:00Z");
    private static final Hold WINDOW = new Hold("window", "it goes on by itself");
    private static final Hold STOPPED = new Hold("stopped", "lift the stop");

    private final SettableTiming timing = new SettableTiming();
    private final long begin = timing.nanos();
    private final HoldBook book = new HoldBook(timing, () -> NOON.plus(timing.since(begin)));
    private final RunListener listener = book.listener("fill");

    @Test
    void nothing_is_held_at_first() {
        assertThat(book.of("1")).isEmpty();
        assertThat(book.entries()).isEmpty();
    }

    @Test
    void a_hold_is_known_with_the_time_of_the_database_and_how_long_it_has_lasted() {
        listener.held("1", WINDOW, "opens soon");
        timing.pass(Duration.ofSeconds(20));

        Held held = new Held("window", NOON, "opens soon");
        assertThat(book.of("1")).contains(held);
        assertThat(book.entries()).containsExactly(new Entry("1", "fill", WINDOW, held, Duration.ofSeconds(20)));
        assertThat(book.of("2")).isEmpty();
    }

    @Test
    void another_detail_of_the_same_hold_does_not_begin_it_anew() {
        listener.held("1", WINDOW, "opens soon");
        timing.pass(Duration.ofSeconds(20));
        listener.held("1", WINDOW, "opens sooner");

        Held held = new Held("window", NOON, "opens sooner");
        assertThat(book.entries()).containsExactly(new Entry("1", "fill", WINDOW, held, Duration.ofSeconds(20)));
    }

    @Test
    void another_hold_begins_anew() {
        listener.held("1", WINDOW, "opens soon");
        timing.pass(Duration.ofSeconds(20));
        listener.held("1", STOPPED, "by ann");

        Held held = new Held("stopped", NOON.plusSeconds(20), "by ann");
        assertThat(book.entries()).containsExactly(new Entry("1", "fill", STOPPED, held, Duration.ZERO));
    }

    @Test
    void a_hold_that_is_over_is_forgotten() {
        listener.held("1", WINDOW, "opens soon");
        listener.released("1", WINDOW);
        listener.released("1", WINDOW);

        assertThat(book.of("1")).isEmpty();
        assertThat(book.entries()).isEmpty();
    }

    @Test
    void the_end_of_an_older_hold_does_not_end_the_one_after_it() {
        listener.held("1", WINDOW, "opens soon");
        listener.held("1", STOPPED, "by ann");
        listener.released("1", WINDOW);

        assertThat(book.of("1").map(Held::reason)).contains("stopped");
    }

    @Test
    void a_run_that_is_no_longer_worked_here_is_forgotten() {
        listener.held("1", WINDOW, "opens soon");
        book.listener("other").held("2", STOPPED, "by ann");

        book.leave("1");
        book.leave("unknown");

        assertThat(book.entries()).extracting(Entry::run).containsExactly("2");
        assertThat(book.entries()).extracting(Entry::job).containsExactly("other");
    }

    @Test
    void many_workers_that_are_held_at_once_are_one_hold() throws Exception {
        AtOnce.call(8, number -> {
            for (int i = 0; i < 1_000; i++) {
                listener.held("1", WINDOW, "opens soon");
            }
            return number;
        });

        assertThat(book.entries()).hasSize(1);
        assertThat(book.of("1")).contains(new Held("window", NOON, "opens soon"));
    }
}
