package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.Schedule.Window;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WindowGovernorTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    /** A Wednesday; in Berlin an hour later. */
    private static final Instant NOON = Instant.parse("2026-11-25T12:00:00Z");

    private final SettableTiming timing = new SettableTiming();
    private final DatabaseClock clock = new DatabaseClock(timing);
    private final WindowGovernor governor = governor(new Window(
            Set.of(DayOfWeek.WEDNESDAY, DayOfWeek.FRIDAY), LocalTime.parse("14:00"), LocalTime.parse("15:00")));

    @Test
    void it_is_called_window() {
        assertThat(governor.name()).isEqualTo("window");
    }

    @Test
    void nothing_moves_before_the_clock_of_the_database_was_read() {
        assertThat(governor.pace())
                .isEqualTo(Pace.hold(new Reason(
                        "window",
                        "the database's clock was not read yet",
                        "the run goes on by itself inside its windows")));
    }

    @Test
    void outside_of_the_windows_it_says_when_the_next_opens() {
        clock.read(NOON);

        assertThat(governor.pace())
                .isEqualTo(Pace.hold(new Reason(
                        "window",
                        "outside of the job's windows; the next opens 2026-11-25 14:00 +01:00 (Europe/Berlin)",
                        "the run goes on by itself then")));
    }

    @Test
    void inside_of_a_window_nothing_is_held() {
        clock.read(NOON);
        timing.pass(Duration.ofHours(1));
        assertThat(governor.pace()).isEqualTo(Pace.FULL);

        timing.pass(Duration.ofHours(1));
        assertThat(governor.pace().reason().orElseThrow().detail()).contains("2026-11-27 14:00");
    }

    @Test
    void windows_of_which_nothing_is_left_never_open() {
        clock.read(Instant.parse("2026-03-26T12:00:00Z"));
        WindowGovernor leftOut =
                governor(new Window(Set.of(DayOfWeek.SUNDAY), LocalTime.parse("02:10"), LocalTime.parse("03:05")));

        assertThat(leftOut.pace().reason().orElseThrow().detail()).endsWith("the next opens never");
    }

    private WindowGovernor governor(Window window) {
        return new WindowGovernor(new Windows(List.of(window), BERLIN), BERLIN, clock);
    }
}
