package dev.backfill.orchestrator.registry;

import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * What the values of a job's schedule must be beyond their form, and how they are read; one instance a document.
 *
 * <p>The document may have any form: a rule whose values are missing or of another type has nothing to say.
 */
final class ScheduleRules {

    private static final BigDecimal WHOLE = BigDecimal.valueOf(100);
    private static final String DATE_AND_TIME = "\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?";
    private static final Pattern LOCAL = Pattern.compile(DATE_AND_TIME);
    private static final Pattern INSTANT = Pattern.compile(DATE_AND_TIME + "([Zz]|[+-]\\d{2}:\\d{2})");
    private static final String TIME_FORM = " is no time of day";
    private static final String INSTANT_HINT = "a date, a time and an offset: 2026-12-01T22:00:00Z";
    private static final String CRON_HINT =
            "second, minute, hour, day of month, month, day of week, with `?` for one of the days: 0 0 1 * * ?";

    private final JsonNode schedule;
    private final Locations locations;
    private final Function<String, Optional<String>> cronProblem;
    private final List<Problem> problems = new ArrayList<>();

    private ScheduleRules(JsonNode schedule, Locations locations, Function<String, Optional<String>> cronProblem) {
        this.schedule = schedule;
        this.locations = locations;
        this.cronProblem = cronProblem;
    }

    /**
     * Checks a document.
     *
     * @param root the document
     * @param locations where everything stands
     * @param cronProblem what is wrong with a cron expression, or nothing
     * @return every problem that these rules find
     */
    static List<Problem> problems(JsonNode root, Locations locations, Function<String, Optional<String>> cronProblem) {
        ScheduleRules rules = new ScheduleRules(root.path("schedule"), locations, cronProblem);
        rules.text("/start/at").ifPresent(rules::at);
        rules.text("/start/cron").ifPresent(rules::cron);
        rules.text("/zone").ifPresent(rules::zone);
        rules.text("/pause-after").ifPresent(rules::pauseAfter);
        rules.days();
        return rules.problems;
    }

    /**
     * What is wrong with a value that has not the form that the schema wants.
     *
     * @param at where everything stands
     * @param pointer the value's JSON pointer
     * @return empty for a value that has no form of its own, or is not the schedule's
     */
    static Optional<Problem> wrongForm(Locations at, String pointer) {
        String name = pointer.substring(Math.min(1, pointer.length())).replace('/', '.');
        if (pointer.matches("/throttle/[^/]+")) {
            return Optional.of(
                    at.problem(pointer, name + " must be on, off, or limits in braces", "such as { hold: 64 }"));
        }
        return switch (pointer.replaceAll("/\\d+(?=/|$)", "/*")) {
            case "/schedule/start" ->
                Optional.of(at.problem(
                        pointer,
                        name + " must be on-apply, manual, `at: <instant>` or `cron: <expression>`",
                        "exactly one of them"));
            case "/schedule/windows" ->
                Optional.of(at.problem(pointer, name + " must be a list of windows", "leave it out for always"));
            case "/schedule/windows/*/days" ->
                Optional.of(at.problem(pointer, name + " must be a list of days", "leave it out for every day"));
            case "/schedule/windows/*/from" ->
                Optional.of(at.problem(pointer, name + TIME_FORM, "write hours and minutes, 00:00 to 23:59: 22:00"));
            case "/schedule/windows/*/to" ->
                Optional.of(at.problem(pointer, name + TIME_FORM, "write hours and minutes, 00:00 to 24:00: 06:00"));
            case "/schedule/pause-after" ->
                Optional.of(at.problem(pointer, name + " is no percentage", "write a number and %: 1%, 0.5%"));
            case "/batch/wal-per-second" ->
                Optional.of(at.problem(pointer, name + " is no size", "write a number and a unit: 500kB, 20MB, 1GB"));
            default -> Optional.empty();
        };
    }

    /**
     * Reads an instant.
     *
     * @param text as RFC 3339 has it
     * @return the instant
     * @throws DateTimeException when there is no such date or time
     */
    static Instant instant(String text) {
        return OffsetDateTime.parse(text).toInstant();
    }

    /**
     * Reads a time of day.
     *
     * @param text hours and minutes, as the schema has it; {@code 24:00} is the midnight that ends the day
     * @return the time
     */
    static LocalTime timeOfDay(String text) {
        return text.equals("24:00") ? LocalTime.MIDNIGHT : LocalTime.parse(text);
    }

    /**
     * Reads a day.
     *
     * @param text its first three letters, as the schema has it
     * @return the day
     */
    static DayOfWeek day(String text) {
        return Arrays.stream(DayOfWeek.values())
                .filter(day -> day.name().startsWith(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no day: " + text));
    }

    /**
     * Reads a percentage.
     *
     * @param text a number and {@code %}, as the schema has it
     * @return the part, 1 for all
     */
    static BigDecimal part(String text) {
        return new BigDecimal(text.substring(0, text.length() - 1)).movePointLeft(2);
    }

    private void at(String text) {
        if (text.isBlank()) {
            return;
        }
        if (LOCAL.matcher(text).matches()) {
            add("/start/at", "schedule.start.at has no offset", "end it with Z for UTC, or with one such as +01:00");
        } else if (!INSTANT.matcher(text).matches()) {
            add("/start/at", "schedule.start.at is no instant", INSTANT_HINT);
        } else {
            try {
                instant(text);
            } catch (DateTimeException e) {
                add("/start/at", "schedule.start.at has a date, a time or an offset that does not exist", INSTANT_HINT);
            }
        }
    }

    private void cron(String expression) {
        if (!expression.isBlank()) {
            cronProblem
                    .apply(expression)
                    .ifPresent(problem -> add("/start/cron", "schedule.start.cron: " + problem, CRON_HINT));
        }
    }

    private void zone(String zone) {
        if (zone.isBlank()) {
            return;
        }
        try {
            ZoneId.of(zone);
        } catch (DateTimeException e) {
            add("/zone", "schedule.zone is no time zone", zoneHint(zone));
        }
    }

    private static String zoneHint(String zone) {
        Set<String> known = new TreeSet<>(ZoneId.getAvailableZoneIds());
        String near = Problem.didYouMean(zone, known);
        if (!near.isEmpty()) {
            return near;
        }
        String end = "/" + zone.strip().replace(' ', '_').toLowerCase(Locale.ROOT);
        return known.stream()
                .filter(id -> id.toLowerCase(Locale.ROOT).endsWith(end))
                .findFirst()
                .map(id -> "did you mean `" + id + "`?")
                .orElse("a name such as UTC or Europe/Berlin");
    }

    private void pauseAfter(String text) {
        if (!text.matches("[0-9]{1,3}(\\.[0-9]{1,6})?%")) {
            return;
        }
        BigDecimal part = part(text);
        if (part.signum() == 0) {
            add("/pause-after", "schedule.pause-after must be above 0%", "leave it out to go on without a pause");
        } else if (part.movePointRight(2).compareTo(WHOLE) > 0) {
            add("/pause-after", "schedule.pause-after must be at most 100%", "it is a part of the range");
        }
    }

    private void days() {
        JsonNode windows = schedule.path("windows");
        for (int window = 0; windows.isArray() && window < windows.size(); window++) {
            JsonNode days = windows.path(window).path("days");
            Set<String> seen = new HashSet<>();
            for (int i = 0; days.isArray() && i < days.size(); i++) {
                String day = days.path(i).asString("");
                if (!day.isEmpty() && !seen.add(day)) {
                    add("/windows/" + window + "/days/" + i, "`" + day + "` is in the list twice", "");
                }
            }
        }
    }

    private Optional<String> text(String pointer) {
        return schedule.at(pointer).stringValueOpt();
    }

    private void add(String pointer, String message, String hint) {
        problems.add(locations.problem("/schedule" + pointer, message, hint));
    }
}
