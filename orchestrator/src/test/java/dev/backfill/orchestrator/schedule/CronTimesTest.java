package dev.backfill.orchestrator.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedSet;
import java.util.TimeZone;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.quartz.CronExpression;

class CronTimesTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
    private static final Instant LONG_AGO = Instant.parse("1970-01-01T00:00:00Z");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0 0 1 * * ?",
                "* * * * * ?",
                "0 0 1 ? * MON-FRI",
                "0 0/15 2,3 L * ? *",
                "0 0 0 29 2 ?",
                "0 0 0 1 1 ? 2100",
                "  0  0 1 * * ?  "
            })
    void an_expression_that_names_times_to_come_has_no_problem(String expression) {
        assertThat(CronTimes.problem(expression)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 1 * * *       | five fields are crontab's; Quartz wants the seconds first, and `?` for one of the days",
                "0 0 25 * * ?    | Hour values must be between 0 and 23",
                "0 0 1 ? * ?     | '?' can only be specified for Day-of-Month -OR- Day-of-Week.",
                "' '             | Unexpected end of expression.",
                "every night     | Illegal characters for this position: 'EVE'",
                "a b             | it cannot be read",
                "0 , 1 * * ?     | a field of it is empty",
                "0 0 0 30 2 ?    | it names no time to come",
                "0 0 0 1 1 ? 2025 | it names no time to come"
            })
    void says_what_is_wrong_with_an_expression(String expression, String problem) {
        assertThat(CronTimes.problem(expression)).contains(problem);
    }

    @Test
    void an_expression_longer_than_quartz_can_keep_is_refused() {
        String longest = "0 0 1 * * ?" + " ".repeat(109);
        assertThat(CronTimes.problem(longest)).isEmpty();
        assertThat(CronTimes.problem(longest + " ")).contains("it has 121 characters, and may have 120");
    }

    @Test
    void cannot_be_made_of_what_cannot_be_read() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CronTimes("night", BERLIN));
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void no_text_makes_the_check_throw_or_hang() {
        Random random = new Random(20260329);
        String[] parts = {
            "0", "1", "7", "31", "59", "99", "*", "?", "/", "-", ",", "L", "W", "#", "MON", "FEB", "C", " "
        };
        int fine = 0;
        for (int i = 0; i < 20_000; i++) {
            StringBuilder text = new StringBuilder("0 ");
            for (int n = random.nextInt(14); n >= 0; n--) {
                text.append(parts[random.nextInt(parts.length)]).append(random.nextInt(3) == 0 ? "" : " ");
            }
            fine += CronTimes.problem(text.toString()).isEmpty() ? 1 : 0;
        }
        assertThat(fine).isPositive();
    }

    @Test
    void the_latest_is_at_or_before_the_instant_and_after_the_other() {
        CronTimes nightly = new CronTimes("0 0 1 * * ?", ZoneOffset.UTC);
        Instant one = Instant.parse("2026-05-01T01:00:00Z");

        assertThat(nightly.latest(LONG_AGO, one)).contains(one);
        assertThat(nightly.latest(LONG_AGO, one.minusNanos(1))).contains(one.minus(Duration.ofDays(1)));
        assertThat(nightly.latest(LONG_AGO, one.plus(Duration.ofHours(23)))).contains(one);
        assertThat(nightly.latest(one.minusNanos(1), one.plusNanos(1))).contains(one);
        assertThat(nightly.latest(one, one.plus(Duration.ofHours(23)))).isEmpty();
        assertThat(nightly.latest(one, one)).isEmpty();
        assertThat(nightly.latest(one.plusSeconds(1), one)).isEmpty();
        assertThat(nightly.latest(Instant.MIN, one)).contains(one);
    }

    @Test
    void names_exactly_its_times() {
        CronTimes nightly = new CronTimes("0 0 1 * * ?", BERLIN);
        Instant one = Instant.parse("2026-05-01T01:00:00+02:00");

        assertThat(nightly.names(one)).isTrue();
        assertThat(nightly.names(one.plusSeconds(1))).isFalse();
        assertThat(nightly.names(one.minusSeconds(1))).isFalse();
        assertThat(nightly.names(one.plusNanos(1))).isFalse();
        assertThat(nightly.next(one)).contains(one.plus(Duration.ofDays(1)));
    }

    @ParameterizedTest
    @CsvSource({
        "* * * * * ?, 2026-07-01T12:00:00Z",
        "* * * 1 1 ?, 2026-01-01T22:59:59Z",
        "* * * * 1 ? 2025, 2025-01-31T22:59:59Z",
        "0 0 0 1 1 ?, 2025-12-31T23:00:00Z",
        "0 0 0 29 2 ?, 2024-02-28T23:00:00Z",
        "0 0 0 29 2 ? 1972, 1972-02-28T23:00:00Z",
        "0 0 0 ? * MON#5, 2026-06-28T22:00:00Z"
    })
    @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void the_latest_of_any_expression_is_found_quickly(String expression, Instant latest) {
        CronTimes times = new CronTimes(expression, BERLIN);
        for (int i = 0; i < 20; i++) {
            assertThat(times.latest(LONG_AGO, Instant.parse("2026-07-01T12:00:00.5Z")))
                    .contains(latest);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0 30 1 * * ?, 2026-03-29T00:30:00Z",
        "0 0 2 * * ?, 2026-03-29T01:00:00Z",
        "0 30 2 * * ?, 2026-03-29T01:30:00Z",
        "0 30 2 29 3 ? 2026, 2026-03-29T01:30:00Z",
        "0 0 3 * * ?, 2026-03-29T01:00:00Z"
    })
    void a_time_that_the_clocks_leave_out_is_later_by_an_hour(String expression, Instant time) {
        CronTimes times = new CronTimes(expression, BERLIN);
        Instant midnight =
                time.atZone(BERLIN).toLocalDate().atStartOfDay(BERLIN).toInstant();

        assertThat(times.next(midnight)).contains(time);
        assertThat(times.names(time)).isTrue();
        assertThat(times.latest(LONG_AGO, midnight.plus(Duration.ofHours(5)))).contains(time);
    }

    @ParameterizedTest
    @CsvSource({
        "0 30 1 * * ?, 2026-10-24T23:30:00Z",
        "0 0 2 * * ?, 2026-10-25T01:00:00Z",
        "0 30 2 * * ?, 2026-10-25T01:30:00Z",
        "0 0 3 * * ?, 2026-10-25T02:00:00Z"
    })
    void a_time_that_comes_twice_is_named_once_the_second_time(String expression, Instant time) {
        CronTimes times = new CronTimes(expression, BERLIN);

        for (int minutes = 0;
                Instant.parse("2026-10-24T22:00:00Z").plusSeconds(60L * minutes).isBefore(time);
                minutes++) {
            assertThat(times.next(Instant.parse("2026-10-24T22:00:00Z").plusSeconds(60L * minutes)))
                    .contains(time);
        }
        assertThat(times.next(time)).contains(time.atZone(BERLIN).plusDays(1).toInstant());
        assertThat(times.names(time.minus(Duration.ofHours(1)))).isFalse();
        assertThat(times.latest(time.minus(Duration.ofHours(1)), time.plusSeconds(1)))
                .contains(time);
    }

    @Test
    void an_hourly_time_comes_24_times_when_the_day_has_25_hours_and_23_times_when_it_has_23() {
        CronTimes hourly = new CronTimes("0 0 * * * ?", BERLIN);

        assertThat(between(hourly, "2026-10-24T21:59:59Z", "2026-10-25T22:59:59Z"))
                .hasSize(24);
        assertThat(between(hourly, "2026-03-28T22:59:59Z", "2026-03-29T21:59:59Z"))
                .hasSize(23);
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTC", "+05:30", "UTC+2", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"})
    void names_whatever_an_alarm_of_quartz_rings_at(String zone) throws ParseException {
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        for (String expression : List.of("0 0/20 * * * ?", "0 30 2 * * ?", "0 15,45 1-3 * * ?", "0 0 0 ? * SUN")) {
            CronTimes times = new CronTimes(expression, ZoneId.of(zone));
            CronExpression quartz = new CronExpression(expression);
            quartz.setTimeZone(
                    zone.equals("UTC+2") ? TimeZone.getTimeZone("GMT+2") : TimeZone.getTimeZone(ZoneId.of(zone)));
            Instant at = start;
            while (at.isBefore(start.plus(Duration.ofDays(365)))) {
                at = quartz.getNextValidTimeAfter(Date.from(at)).toInstant();
                assertThat(times.names(at)).as("%s at %s", expression, at).isTrue();
            }
        }
    }

    @Test
    void the_next_and_the_latest_of_random_instants_agree_with_a_walk_through_all() throws ParseException {
        Random random = new Random(20261025);
        for (String expression : List.of("0 0/15 * * * ?", "0 30 2 * * ?", "0 10 1-3 * * ?", "0 0 12 * * ?")) {
            CronTimes times = new CronTimes(expression, BERLIN);
            for (String day : List.of("2026-03-27T00:00:00Z", "2026-10-23T00:00:00Z")) {
                Instant start = Instant.parse(day);
                List<Instant> named = named(expression, start, start.plus(Duration.ofDays(6)));
                for (int i = 0; i < 500; i++) {
                    Instant a = start.plusSeconds(3600 + random.nextInt(4 * 86_400));
                    Instant b = a.plusSeconds(random.nextInt(86_400));
                    Instant next =
                            named.stream().filter(t -> t.isAfter(a)).findFirst().orElseThrow();
                    Optional<Instant> latest = named.stream()
                            .filter(t -> t.isAfter(a) && !t.isAfter(b))
                            .reduce((first, second) -> second);
                    assertThat(times.latest(a, b))
                            .as("%s (%s, %s]", expression, a, b)
                            .isEqualTo(latest);
                    assertThat(times.next(a)).as("%s after %s", expression, a).contains(next);
                }
            }
        }
    }

    /** Every local time of the expression, by itself: java.time shifts what is left out, and takes the second of two. */
    private static List<Instant> named(String expression, Instant from, Instant to) throws ParseException {
        CronExpression quartz = new CronExpression(expression);
        quartz.setTimeZone(TimeZone.getTimeZone("UTC"));
        SortedSet<Instant> named = new TreeSet<>();
        for (Instant at = from; at.isBefore(to); at = at.plusSeconds(60)) {
            if (quartz.isSatisfiedBy(Date.from(at))) {
                named.add(LocalDateTime.ofInstant(at, ZoneOffset.UTC)
                        .atZone(BERLIN)
                        .withLaterOffsetAtOverlap()
                        .toInstant());
            }
        }
        return List.copyOf(named);
    }

    private static List<Instant> between(CronTimes times, String after, String until) {
        List<Instant> found = new ArrayList<>();
        Optional<Instant> next = times.next(Instant.parse(after));
        while (next.isPresent() && !next.get().isAfter(Instant.parse(until))) {
            found.add(next.get());
            next = times.next(next.get());
        }
        return found;
    }
}
