package dev.backfill.orchestrator.sql;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An end of a range as a job says it: a value, or for times one that is relative to the start of the run, such as
 * {@code now() - interval '30 days'}. Pure.
 *
 * @param written as it was written
 * @param sign {@code +} or {@code -} when it is relative; empty for a value
 * @param parameter what {@link #expression} is to be given: the value, or the interval
 */
public record RangeValue(String written, Optional<String> sign, String parameter) {

    private static final Pattern RELATIVE =
            Pattern.compile("now\\(\\)(?:\\s*([+-])\\s*interval\\s*'([^']*)')?", Pattern.CASE_INSENSITIVE);

    /**
     * Reads an end of a range.
     *
     * @param written as the job says it
     * @param time whether the range is one of times: only these can be relative
     * @return what it means
     */
    public static RangeValue of(String written, boolean time) {
        Matcher relative = RELATIVE.matcher(written.strip());
        if (!time || !relative.matches()) {
            return new RangeValue(written, Optional.empty(), written);
        } else if (relative.group(1) == null) {
            return new RangeValue(written, Optional.of("+"), "0");
        }
        return new RangeValue(written, Optional.of(relative.group(1)), relative.group(2));
    }

    /**
     * Whether it is another value at each start.
     *
     * @return true for what is relative
     */
    public boolean isRelative() {
        return sign.isPresent();
    }

    /**
     * The value in SQL.
     *
     * @param type the range column's
     * @return an expression with one parameter, a text
     */
    public String expression(String type) {
        return expression(type, "now()");
    }

    /**
     * The value in SQL, as it was at another time.
     *
     * @param type the range column's
     * @param now that time, as an expression of type {@code timestamptz}
     * @return an expression with one parameter, a text
     */
    public String expression(String type, String now) {
        return sign.map(s -> "CAST(" + now + " " + s + " CAST(? AS interval) AS " + type + ")")
                .orElse("CAST(? AS " + type + ")");
    }

    /**
     * Whether one end lies below another, as far as that is so in a column of any type: an instant has its offset only
     * in some, and digits are numbers only in some.
     *
     * @param from the one
     * @param to the other
     * @param time whether they are times; else they are numbers
     * @return true also when only a database could tell
     */
    public static boolean isBefore(String from, String to, boolean time) {
        return (time ? compare(from, to, LocalDate::parse) : compare(from, to, BigDecimal::new)) < 0;
    }

    private static <T extends Comparable<? super T>> int compare(String from, String to, Function<String, T> read) {
        try {
            return read.apply(from.strip()).compareTo(read.apply(to.strip()));
        } catch (NumberFormatException | DateTimeParseException e) {
            return -1;
        }
    }
}
