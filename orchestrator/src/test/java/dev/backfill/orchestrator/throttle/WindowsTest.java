package dev.backfill.orchestrator.throttle;

import static java.time.DayOfWeek.FRIDAY;
import static java.time.DayOfWeek.MONDAY;
import static java.time.DayOfWeek.SATURDAY;
import static java.time.DayOfWeek.SUNDAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.Schedule.Window;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WindowsTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
    private static final ZoneId NEW_YORK = ZoneId.of("America/New_York");
    private static final Set<DayOfWeek> DAILY = EnumSet.allOf(DayOfWeek.class);
    private static final Duration STEP = Duration.ofMinutes(1);

    @Test
    void without_windows_it_is_always_open() {
        Windows always = new Windows(List.of(), BERLIN);
        Instant instant = Instant.parse("2026-05-01T12:00:00Z");

        assertThat(always.isOpen(instant)).isTrue();
        assertThat(always.nextOpening(instant)).contains(instant);
    }

    @Test
    void a_window_of_the_day_holds_its_beginning_and_not_its_end() {
        Windows windows = windows(BERLIN, window(DAILY, "12:00", "14:30"));

        assertThat(windows.isOpen(at("2026-05-01T11:59:59.999999999+02:00"))).isFalse();
        assertThat(windows.isOpen(at("2026-05-01T12:00:00+02:00"))).isTrue();
        assertThat(windows.isOpen(at("2026-05-01T14:29:59.999999999+02:00"))).isTrue();
        assertThat(windows.isOpen(at("2026-05-01T14:30:00+02:00"))).isFalse();
    }

    @Test
    void a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        Windows fridays = windows(BERLIN, window(EnumSet.of(FRIDAY), "22:00", "06:00"));

        assertOpen(fridays, "2026-05-01T22:00:00+02:00", "2026-05-02T06:00:00+02:00");
        assertThat(fridays.isOpen(at("2026-05-01T05:00:00+02:00"))).isFalse();
        assertThat(fridays.isOpen(at("2026-05-02T22:00:00+02:00"))).isFalse();
    }

    @Test
    void a_window_from_a_time_to_the_same_is_a_whole_day() {
        assertOpen(
                windows(BERLIN, window(EnumSet.of(SATURDAY), "09:00", "09:00")),
                "2026-05-02T09:00:00+02:00",
                "2026-05-03T09:00:00+02:00");
        assertOpen(
                windows(BERLIN, window(EnumSet.of(SATURDAY, SUNDAY), "00:00", "00:00")),
                "2026-05-02T00:00:00+02:00",
                "2026-05-04T00:00:00+02:00");
        Windows always = windows(BERLIN, window(DAILY, "00:00", "00:00"));
        assertThat(openings(always, at("2026-03-20T00:00:00Z"), 20 * 1440)).isEqualTo(allSet(20 * 1440));
    }

    @Test
    void several_windows_may_overlap_and_touch() {
        Windows windows = windows(
                BERLIN,
                window(DAILY, "01:00", "03:00"),
                window(DAILY, "02:00", "04:00"),
                window(DAILY, "04:00", "05:00"));

        assertOpen(windows, "2026-05-02T01:00:00+02:00", "2026-05-02T05:00:00+02:00");
    }

    @ParameterizedTest
    @CsvSource({
        "22:00, 06:00, 2026-03-28T22:00+01:00, 2026-03-29T06:00+02:00, 7",
        "22:00, 06:00, 2026-10-24T22:00+02:00, 2026-10-25T06:00+01:00, 9",
        "01:00, 04:00, 2026-03-29T01:00+01:00, 2026-03-29T04:00+02:00, 2",
        "01:00, 04:00, 2026-10-25T01:00+02:00, 2026-10-25T04:00+01:00, 4",
        "12:00, 12:00, 2026-03-28T12:00+01:00, 2026-03-29T12:00+02:00, 23",
        "12:00, 12:00, 2026-10-24T12:00+02:00, 2026-10-25T12:00+01:00, 25"
    })
    void a_window_across_a_change_of_the_clocks_is_shorter_or_longer(
            String from, String to, OffsetDateTime opens, OffsetDateTime closes, long hours) {
        Window window = window(EnumSet.of(opens.getDayOfWeek()), from, to);

        assertThat(Duration.between(opens, closes)).isEqualTo(Duration.ofHours(hours));
        assertOpen(windows(BERLIN, window), opens.toString(), closes.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "22:00, 06:00, 2026-03-07T22:00-05:00, 2026-03-08T06:00-04:00",
        "22:00, 06:00, 2026-10-31T22:00-04:00, 2026-11-01T06:00-05:00",
        "01:30, 02:00, 2026-11-01T01:30-04:00, 2026-11-01T02:00-05:00"
    })
    void the_change_is_that_of_the_zone(String from, String to, OffsetDateTime opens, OffsetDateTime closes) {
        Window window = window(EnumSet.of(opens.getDayOfWeek()), from, to);

        assertOpen(windows(NEW_YORK, window), opens.toString(), closes.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "02:15, 02:45, 2026-03-29T03:15+02:00, 2026-03-29T03:45+02:00",
        "02:15, 04:00, 2026-03-29T03:15+02:00, 2026-03-29T04:00+02:00",
        "01:00, 02:30, 2026-03-29T01:00+01:00, 2026-03-29T03:30+02:00",
        "02:15, 02:15, 2026-03-29T03:15+02:00, 2026-03-30T02:15+02:00"
    })
    void a_time_that_the_clocks_leave_out_is_an_hour_later(
            String from, String to, OffsetDateTime opens, OffsetDateTime closes) {
        assertOpen(windows(BERLIN, window(EnumSet.of(SUNDAY), from, to)), opens.toString(), closes.toString());
    }

    @Test
    void a_window_of_which_the_clocks_leave_nothing_does_not_open() {
        Windows windows = windows(BERLIN, window(DAILY, "02:30", "03:00"));

        assertThat(openings(windows, at("2026-03-29T00:00:00+01:00"), 1380)).isEqualTo(new BitSet());
        assertThat(windows.nextOpening(at("2026-03-29T00:00:00+01:00"))).contains(at("2026-03-30T02:30:00+02:00"));
        assertThat(windows.nextOpening(at("2026-03-29T03:30:00+02:00"))).contains(at("2026-03-30T02:30:00+02:00"));
    }

    @ParameterizedTest
    @CsvSource({
        "01:00, 02:30, 2026-10-25T01:00+02:00, 2026-10-25T02:30+02:00",
        "02:15, 02:45, 2026-10-25T02:15+02:00, 2026-10-25T02:45+02:00",
        "02:30, 03:30, 2026-10-25T02:30+02:00, 2026-10-25T03:30+01:00",
        "03:00, 04:00, 2026-10-25T03:00+01:00, 2026-10-25T04:00+01:00"
    })
    void of_a_time_that_comes_twice_the_first_counts(
            String from, String to, OffsetDateTime opens, OffsetDateTime closes) {
        assertOpen(windows(BERLIN, window(EnumSet.of(SUNDAY), from, to)), opens.toString(), closes.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "2026-05-01T12:00+02:00, 2026-05-01T22:00+02:00",
        "2026-05-01T22:00+02:00, 2026-05-01T22:00+02:00",
        "2026-05-02T05:59+02:00, 2026-05-02T05:59+02:00",
        "2026-05-02T06:00+02:00, 2026-05-04T22:00+02:00",
        "2026-05-04T21:59+02:00, 2026-05-04T22:00+02:00",
        "2026-05-05T06:00+02:00, 2026-05-08T22:00+02:00"
    })
    void the_next_opening_is_now_or_the_first_to_come(OffsetDateTime now, OffsetDateTime next) {
        Windows windows = windows(BERLIN, window(EnumSet.of(MONDAY, FRIDAY), "22:00", "06:00"));

        assertThat(windows.nextOpening(now.toInstant())).contains(next.toInstant());
    }

    @Test
    void a_window_of_one_day_opens_again_after_a_week() {
        Windows windows = windows(BERLIN, window(EnumSet.of(FRIDAY), "22:00", "23:00"));

        assertThat(windows.nextOpening(at("2026-05-01T23:00:00+02:00"))).contains(at("2026-05-08T22:00:00+02:00"));
    }

    @Test
    void no_opening_is_looked_for_after_a_week_and_a_day() {
        Windows windows = windows(BERLIN, window(EnumSet.of(SUNDAY), "02:30", "03:00"));

        assertThat(windows.nextOpening(at("2026-03-23T00:00:00+01:00"))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "Europe/Berlin, 2026-03-27",
        "Europe/Berlin, 2026-10-23",
        "America/New_York, 2026-03-06",
        "America/New_York, 2026-10-30",
        "Australia/Lord_Howe, 2026-04-03",
        "Africa/Cairo, 2026-10-28",
        "Africa/Cairo, 2026-04-22",
        "UTC, 2026-05-01"
    })
    void random_windows_agree_with_a_walk_minute_by_minute(String zone, LocalDate start) {
        Random random = new Random(start.toEpochDay());
        Instant from = start.atStartOfDay(ZoneOffset.UTC).toInstant();
        int minutes = 4 * 1440;
        for (int i = 0; i < 40; i++) {
            Windows windows = new Windows(randomWindows(random), ZoneId.of(zone));
            BitSet expected = walked(windows, start, minutes + 9 * 1440);

            assertThat(openings(windows, from, minutes))
                    .as("%s from %s", windows, start)
                    .isEqualTo(expected.get(0, minutes));
            for (int n = 0; n < 50; n++) {
                int minute = random.nextInt(minutes);
                int next = expected.nextSetBit(minute);
                if (next >= 0 && next - minute < 7 * 1440) {
                    assertThat(windows.nextOpening(from.plus(STEP.multipliedBy(minute))))
                            .as("%s from %s and %d minutes", windows, start, minute)
                            .contains(from.plus(STEP.multipliedBy(next)));
                }
            }
        }
    }

    private static List<Window> randomWindows(Random random) {
        List<Window> windows = new ArrayList<>();
        for (int n = random.nextInt(3); n >= 0; n--) {
            Set<DayOfWeek> days = EnumSet.of(DayOfWeek.of(1 + random.nextInt(7)));
            for (DayOfWeek day : DayOfWeek.values()) {
                if (random.nextBoolean()) {
                    days.add(day);
                }
            }
            windows.add(new Window(days, randomTime(random), randomTime(random)));
        }
        return windows;
    }

    /** More often in the first hours, in which clocks are changed. */
    private static LocalTime randomTime(Random random) {
        int hours = random.nextBoolean() ? 4 : 24;
        return LocalTime.of((random.nextInt(hours + 1) + 23) % 24, random.nextInt(4) * 15);
    }

    /** Marks the minutes from the midnight of UTC on, for which each day's windows are open. */
    private static BitSet walked(Windows windows, LocalDate start, int minutes) {
        BitSet open = new BitSet();
        long first = start.atStartOfDay().toEpochSecond(ZoneOffset.UTC) / 60;
        for (Window window : windows.windows()) {
            for (LocalDate day = start.minusDays(3); day.isBefore(start.plusDays(20)); day = day.plusDays(1)) {
                if (window.days().contains(day.getDayOfWeek())) {
                    LocalDateTime closes = day.atTime(window.to());
                    if (!closes.isAfter(day.atTime(window.from()))) {
                        closes = closes.plusDays(1);
                    }
                    long end = minute(closes, windows.zone()) - first;
                    for (long at = minute(day.atTime(window.from()), windows.zone()) - first; at < end; at++) {
                        if (at >= 0 && at < minutes) {
                            open.set((int) at);
                        }
                    }
                }
            }
        }
        return open;
    }

    private static long minute(LocalDateTime local, ZoneId zone) {
        ZoneOffsetTransition change = zone.getRules().getTransition(local);
        ZoneOffset offset = change == null ? zone.getRules().getOffset(local) : change.getOffsetBefore();
        return local.toEpochSecond(offset) / 60;
    }

    /** Open from the one to the other, and closed for two hours around, asked by the minute. */
    private static void assertOpen(Windows windows, String from, String to) {
        Instant start = at(from).minus(Duration.ofHours(2));
        int length = (int) Duration.between(at(from), at(to)).toMinutes();
        BitSet expected = new BitSet();
        expected.set(120, 120 + length);

        assertThat(openings(windows, start, length + 240)).isEqualTo(expected);
        assertThat(windows.nextOpening(start)).contains(at(from));
    }

    private static BitSet openings(Windows windows, Instant from, int minutes) {
        BitSet open = new BitSet();
        for (int minute = 0; minute < minutes; minute++) {
            open.set(minute, windows.isOpen(from.plus(STEP.multipliedBy(minute))));
        }
        return open;
    }

    private static BitSet allSet(int minutes) {
        BitSet all = new BitSet();
        all.set(0, minutes);
        return all;
    }

    private static Windows windows(ZoneId zone, Window... windows) {
        return new Windows(List.of(windows), zone);
    }

    private static Window window(Set<DayOfWeek> days, String from, String to) {
        return new Window(days, LocalTime.parse(from), LocalTime.parse(to));
    }

    private static Instant at(String text) {
        return OffsetDateTime.parse(text).toInstant();
    }
}
