package dev.backfill.orchestrator.schedule;

import dev.backfill.api.Schedule.At;
import dev.backfill.api.Schedule.Cron;
import dev.backfill.api.Schedule.Start;
import dev.backfill.orchestrator.registration.RegisteredJob;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Which planned start of a job has come. Pure. */
final class Due {

    /** How far the clock of a daemon that rings may be ahead of the database's. */
    private static final Duration MOST_AHEAD = Duration.ofDays(1);

    private Due() {}

    /**
     * The planned start for which a run is to be made now, if there is one.
     *
     * @param job the job
     * @param now the database's time
     * @param rung the time that an alarm rang for, by the clock of the daemon that set it; it may not have come yet by the
     *     database's
     */
    static Optional<Instant> of(RegisteredJob job, Instant now, Optional<Instant> rung) {
        Start start = job.schedule().start();
        if (start instanceof At at) {
            boolean come = !at.instant().isAfter(now) || rung.equals(Optional.of(at.instant()));
            boolean handled = job.plan().handled().equals(Optional.of(at.instant()));
            return come && !handled ? Optional.of(at.instant()) : Optional.empty();
        } else if (start instanceof Cron cron) {
            return cron(new CronTimes(cron.expression(), job.schedule().zone()), job.plan(), now, rung);
        }
        return Optional.empty();
    }

    private static Optional<Instant> cron(
            CronTimes times, RegisteredJob.Plan plan, Instant now, Optional<Instant> rung) {
        Instant after = plan.handled().filter(plan.since()::isBefore).orElse(plan.since());
        Optional<Instant> early = rung.filter(times::names)
                .filter(time -> time.isAfter(now) && time.isAfter(after))
                .filter(time -> time.isBefore(now.plus(MOST_AHEAD)));
        return early.or(() -> times.latest(after, now));
    }
}
