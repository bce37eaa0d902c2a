package dev.backfill.orchestrator.schedule;

import dev.backfill.api.Schedule.OnApply;
import dev.backfill.orchestrator.control.RunQueue;
import dev.backfill.orchestrator.control.RunQueue.NewRun;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.RegisteredJob;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds the runs of one database that are due. Whoever asks, how often, and how many at once: a planned start becomes one
 * run at most. Safe for use by several threads.
 *
 * @param database its configured name
 * @param jobs the registered jobs
 * @param queue where runs are added
 * @param events where skipped starts are written down
 * @param timing the time that new ids begin with
 */
public record Starts(String database, JobStore jobs, RunQueue queue, EventStore events, Timing timing) {

    private static final Logger LOG = LoggerFactory.getLogger(Starts.class);

    /**
     * Adds every run that is due by now: the first run of a job that starts when it is registered, and the latest planned
     * start of each job.
     *
     * @param registered the registered jobs
     * @return whether a run was added
     */
    boolean startWhatIsDue(List<RegisteredJob> registered) {
        boolean added = false;
        for (RegisteredJob job : jobs.withoutRun()) {
            if (job.schedule().start() instanceof OnApply) {
                added |= queue.insert(NewRun.first(newId(), job.name(), job.revision()));
            }
        }
        Instant now = queue.now();
        for (RegisteredJob job : registered) {
            Optional<Instant> planned = Due.of(job, now);
            added |= planned.isPresent() && start(job, planned.get());
        }
        return added;
    }

    /** The database's time. */
    Instant now() {
        return queue.now();
    }

    /**
     * How long it is until the next planned start, by the database's clock.
     *
     * @param registered the registered jobs
     * @param atMost the answer when none is planned before
     * @return not negative
     */
    Duration untilNext(List<RegisteredJob> registered, Duration atMost) {
        Instant now = queue.now();
        return registered.stream()
                .flatMap(job -> Due.next(job, now).stream())
                .map(next -> Duration.between(now, next))
                .reduce(atMost, (one, other) -> one.compareTo(other) <= 0 ? one : other);
    }

    /**
     * Adds the run of a job for which an alarm rang, if it is due by the database's clock: that of the daemon which set the
     * alarm, or of the one in which it rang, may be ahead.
     *
     * @param name the job's name
     * @return whether a run was added
     */
    boolean rung(String name) {
        Optional<RegisteredJob> job = jobs.find(name);
        Optional<Instant> planned = job.flatMap(j -> Due.of(j, queue.now()));
        return planned.isPresent() && start(job.orElseThrow(), planned.get());
    }

    private boolean start(RegisteredJob job, Instant planned) {
        boolean added = queue.insert(NewRun.planned(newId(), job.name(), job.revision(), planned));
        boolean skipped = !added && !queue.hasPlanned(job.name(), planned);
        if (jobs.handled(job, planned) && skipped) {
            events.startSkipped(job.name(), planned);
            LOG.atWarn()
                    .addKeyValue("database", database)
                    .addKeyValue("job", job.name())
                    .addKeyValue("planned", planned)
                    .log("planned start was skipped: the run before it is not finished");
        }
        return added;
    }

    private String newId() {
        return Run.newId(timing.now().toEpochMilli());
    }
}
