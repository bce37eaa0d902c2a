package dev.backfill.orchestrator.schedule;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.Comparator;
import java.util.Date;
import java.util.Optional;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.quartz.CronExpression;

/**
 * The local times of a cron expression as instants. Pure.
 *
 * <p>Quartz is asked for local times as if they were UTC: near a change of the clocks its own answers depend on where it was
 * asked from. A stretch of time between two changes has one offset, and holds the local times from the one that the clocks
 * show after its first change to the one that they show after its last.
 */
final class CronCalendar {

    private final CronExpression expression;
    private final ZoneRules rules;

    CronCalendar(CronExpression expression, ZoneRules rules) {
        this.expression = expression;
        this.rules = rules;
        expression.setTimeZone(TimeZone.getTimeZone("UTC"));
    }

    /**
     * The next time after an instant.
     *
     * @param after exclusive
     * @param until inclusive; nothing later is looked for
     * @return empty when there is none in {@code (after, until]}
     */
    Optional<Instant> next(Instant after, Instant until) {
        Optional<Instant> best = leftOut(after);
        Instant start = after;
        LocalDateTime position = LocalDateTime.ofInstant(after, rules.getOffset(after));
        while (!start.isAfter(best.orElse(until))) {
            ZoneOffset offset = rules.getOffset(start);
            ZoneOffsetTransition change = rules.nextTransition(start);
            Optional<LocalDateTime> found = local(position);
            Optional<Instant> here = found.filter(time -> change == null || time.isBefore(change.getDateTimeAfter()))
                    .map(time -> time.toInstant(offset));
            best = Stream.of(best, here).flatMap(Optional::stream).min(Comparator.naturalOrder());
            if (change == null || found.isEmpty()) {
                break;
            }
            start = change.getInstant();
            position = change.getDateTimeAfter().minusSeconds(1);
        }
        return best.filter(time -> !time.isAfter(until));
    }

    /** The next of the local times that the last change left out, and that come after it. */
    private Optional<Instant> leftOut(Instant after) {
        ZoneOffsetTransition change = rules.previousTransition(after.plusNanos(1));
        if (change == null || !change.isGap()) {
            return Optional.empty();
        }
        ZoneOffset before = change.getOffsetBefore();
        return Optional.of(LocalDateTime.ofInstant(after, before))
                .filter(time -> time.isBefore(change.getDateTimeAfter()))
                .flatMap(this::local)
                .filter(time -> time.isBefore(change.getDateTimeAfter()))
                .map(time -> time.toInstant(before));
    }

    private Optional<LocalDateTime> local(LocalDateTime after) {
        return Optional.ofNullable(expression.getNextValidTimeAfter(Date.from(after.toInstant(ZoneOffset.UTC))))
                .map(date -> LocalDateTime.ofInstant(date.toInstant(), ZoneOffset.UTC));
    }
}
