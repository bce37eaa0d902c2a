package dev.backfill.orchestrator.schedule;

import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.quartz.CronExpression;

/**
 * The times that a cron expression names. Pure.
 *
 * <p>A local time that a change of the clocks leaves out is later by as much as was left out; of one that comes twice, the
 * second counts. The latter is Quartz's; the former Quartz leaves out.
 *
 * @param expression as Quartz reads it, with seconds
 * @param zone in which it is read
 */
public record CronTimes(String expression, ZoneId zone) {

    /** The most characters that Quartz's tables hold of an expression. */
    private static final int LONGEST = 120;

    /** Before this program was: what names nothing after it never will. */
    private static final Instant PAST = Instant.parse("2026-01-01T00:00:00Z");

    private static final int FIELDS_OF_CRONTAB = 5;

    /**
     * Checks that the expression can be read.
     *
     * @throws IllegalArgumentException when it cannot
     */
    public CronTimes {
        try {
            parse(expression).getNextValidTimeAfter(Date.from(PAST));
        } catch (NoSuchElementException e) {
            throw new IllegalArgumentException("a field of it is empty", e);
        }
    }

    /**
     * Whether an expression can be used.
     *
     * @param expression a cron expression with seconds
     * @return what is wrong with it; empty when it names at least one time that was not over when this program was made
     */
    public static Optional<String> problem(String expression) {
        int length = expression.length();
        if (length > LONGEST) {
            return Optional.of("it has " + length + " characters, and may have " + LONGEST);
        } else if (expression.strip().split("\\s+").length == FIELDS_OF_CRONTAB) {
            return Optional.of(
                    "five fields are crontab's; Quartz wants the seconds first, and `?` for one of the days");
        }
        try {
            boolean never = new CronTimes(expression, ZoneOffset.UTC).next(PAST).isEmpty();
            return never ? Optional.of("it names no time to come") : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /**
     * The next time after an instant.
     *
     * @param after exclusive
     * @return empty when the expression names no later time within the coming hundred years
     */
    public Optional<Instant> next(Instant after) {
        return calendar().next(after, Instant.MAX);
    }

    /**
     * The latest time at or before an instant.
     *
     * @param instant until when
     * @param after exclusive; nothing before is looked for, nor before 1970
     * @return empty when the expression names no time in {@code (after, instant]}
     */
    public Optional<Instant> latest(Instant after, Instant instant) {
        CronCalendar calendar = calendar();
        Instant high = instant.truncatedTo(ChronoUnit.SECONDS);
        Optional<Instant> found = calendar.next(after.isBefore(Instant.EPOCH) ? Instant.EPOCH : after, high);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Instant low = found.get();
        while (true) {
            Instant middle = low.plusSeconds(Duration.between(low, high).toSeconds() / 2);
            Optional<Instant> later = calendar.next(middle, instant);
            if (later.isPresent()) {
                low = later.get();
            } else if (middle.equals(low)) {
                return Optional.of(low);
            } else {
                high = middle;
            }
        }
    }

    /**
     * Whether the expression names an instant.
     *
     * @param instant to the second
     * @return true when it does
     */
    public boolean names(Instant instant) {
        return latest(instant.minusSeconds(1), instant).equals(Optional.of(instant));
    }

    private CronCalendar calendar() {
        return new CronCalendar(parse(expression), zone.getRules());
    }

    private static CronExpression parse(String expression) {
        try {
            return new CronExpression(expression);
        } catch (ParseException e) {
            String message = String.valueOf(e.getMessage());
            throw new IllegalArgumentException(message.contains("Exception") ? "it cannot be read" : message, e);
        }
    }
}
