package dev.backfill.orchestrator.schedule;

import dev.backfill.api.Schedule.At;
import dev.backfill.api.Schedule.Cron;
import dev.backfill.api.Schedule.Start;
import dev.backfill.orchestrator.registration.RegisteredJob;
import java.time.Instant;
import java.util.Optional;

/** Which planned start of a job has come. Pure. */
final class Due {

    private Due() {}

    /**
     * The planned start for which a run is to be made now, if there is one.
     *
     * @param job the job
     * @param now the database's time
     */
    static Optional<Instant> of(RegisteredJob job, Instant now) {
        Start start = job.schedule().start();
        if (start instanceof At at) {
            return Optional.of(at.instant()).filter(time -> !time.isAfter(now) && !isHandled(job, time));
        } else if (start instanceof Cron cron) {
            return times(job, cron).latest(after(job), now);
        }
        return Optional.empty();
    }

    /**
     * The next planned start that has not come.
     *
     * @param job the job
     * @param now the database's time
     */
    static Optional<Instant> next(RegisteredJob job, Instant now) {
        Start start = job.schedule().start();
        if (start instanceof At at) {
            return Optional.of(at.instant()).filter(time -> time.isAfter(now) && !isHandled(job, time));
        } else if (start instanceof Cron cron) {
            Instant after = after(job);
            return times(job, cron).next(after.isAfter(now) ? after : now);
        }
        return Optional.empty();
    }

    private static boolean isHandled(RegisteredJob job, Instant time) {
        return job.plan().handled().equals(Optional.of(time));
    }

    private static CronTimes times(RegisteredJob job, Cron cron) {
        return new CronTimes(cron.expression(), job.schedule().zone());
    }

    /** Nothing that was planned until then is of interest any more. */
    private static Instant after(RegisteredJob job) {
        return job.plan()
                .handled()
                .filter(job.plan().since()::isBefore)
                .orElse(job.plan().since());
    }
}
