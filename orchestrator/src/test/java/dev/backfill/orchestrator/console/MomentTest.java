package dev.backfill.orchestrator.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.console.Moment.Around;
import dev.backfill.orchestrator.console.Moment.Blocks;
import dev.backfill.orchestrator.run.SliceStore.Progress;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MomentTest {

    private static final Around QUIET = new Around(Optional.empty(), Optional.empty());
    private static final Outlook.Left LEFT =
            new Outlook.Left(Duration.ofSeconds(10), Duration.ofSeconds(8), Duration.ofSeconds(74));
    private static final Around LAGGING = new Around(Optional.of(new Lag(0.2, 5)), Optional.empty());

    @Test
    void a_bar_shows_how_far_how_fast_and_how_far_behind() {
        assertThat(moment(580_000, 5, LAGGING).bar(110, Blocks.UNICODE))
                .isEqualTo(fitted(
                        " 58 % " + "\u2588".repeat(16) + "\u2591".repeat(12)
                                + "  580,000 rows  41,200/s  ETA 10s  batch 8,400  lag 0.2 s / 5 s",
                        110));
    }

    @Test
    void a_bar_covers_the_one_before_whatever_the_width() {
        Around held =
                new Around(Optional.of(new Lag(7.25, 5)), Optional.of("held: replication-lag: " + "x".repeat(200)));
        for (int width = 0; width < 200; width++) {
            assertThat(moment(580_000, 5, LAGGING).bar(Math.max(width, 3), Blocks.ASCII))
                    .hasSize(Math.max(width, 3));
            assertThat(moment(580_000, 5, held).bar(Math.max(width, 3), Blocks.ASCII))
                    .hasSize(Math.max(width, 3));
        }
    }

    @Test
    void a_run_that_is_held_shows_why_in_the_place_of_its_speed() {
        Around held = new Around(Optional.of(new Lag(7.25, 5)), Optional.of("held: replication-lag: too far behind"));

        assertThat(moment(580_000, 5, held).bar(120, Blocks.ASCII))
                .contains("580,000 rows  lag 7.3 s / 5 s  held: replication-lag: too far behind")
                .doesNotContain("ETA");
    }

    @Test
    void a_run_is_at_the_end_when_its_slices_are_done_whatever_the_estimate_was() {
        assertThat(moment(990_000, 8, QUIET).bar(80, Blocks.ASCII)).startsWith("100 % |========|  990,000 rows");
    }

    @Test
    void a_run_that_has_not_begun_is_at_the_beginning() {
        Progress nothing = new Progress(new Progress.Rows(0, 0, 0, 0), 0, 0, 0);

        assertThat(new Moment(nothing, Outlook.NONE, 0, 0, QUIET).bar(80, Blocks.ASCII))
                .startsWith("  0 % |        |  0 rows  0/s");
    }

    @Test
    void how_long_it_takes_is_left_out_while_that_is_not_known() {
        Progress some = new Progress(new Progress.Rows(580, 580, 580, 0), 60, 8, 5);
        Moment moment = new Moment(some, new Outlook(1_000, Optional.empty()), 41_200, 100, QUIET);

        assertThat(moment.plain()).startsWith("580 of about 1,000 rows").doesNotContain("ETA");
        assertThat(moment.bar(110, Blocks.ASCII)).contains("41,200/s").doesNotContain("ETA");
    }

    @Test
    void a_line_says_the_same_in_words() {
        assertThat(moment(580_000, 5, LAGGING).plain())
                .isEqualTo(
                        "580,000 of about 1,000,000 rows, slice 5 of 8, 41,200 rows/s, ETA 10s (8s to 1m14s), batch 8,400,"
                                + " lag 0.2 s / 5 s");
    }

    private static Moment moment(long scanned, int done, Around around) {
        Progress progress = new Progress(new Progress.Rows(scanned, scanned, scanned, 0), 60, 8, done);
        return new Moment(progress, new Outlook(1_000_000, Optional.of(LEFT)), 41_200, 8_400, around);
    }

    private static String fitted(String text, int width) {
        return text + " ".repeat(width - text.length());
    }
}
