package dev.backfill.orchestrator;

import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A job of a file that is not dealt with yet.
 *
 * @param place where it stands
 * @param job what the file says
 * @param retry when to try again
 * @param said the problems that were said last
 * @param seen what was registered when the file was read
 */
record PendingJob(Place place, LoadedJob job, Retry retry, List<Problem> said, Seen seen) {

    /**
     * A job in a file, and a database that it is for: the same name may be in several files, of which one counts.
     *
     * @param database its configured name; empty for what the job says of databases that the daemon has not
     */
    record Place(String file, String job, String database) {}

    /** When to try again. */
    record Retry(long since, Duration pause) {}

    /**
     * What was registered when a file was read.
     *
     * @param revision its number, 0 for none; empty when nobody knows
     * @param second whether another file had the job then: what that one registers does not count against this one
     */
    record Seen(Optional<Integer> revision, boolean second) {

        /** In a database, as far as it answers. */
        static Seen in(Dispatcher target, LoadedJob job) {
            return new Seen(registered(target, job.definition().name()), false);
        }

        private static Optional<Integer> registered(Dispatcher target, String job) {
            try {
                return Optional.of(target)
                        .filter(d -> d.standing().status() == Status.READY)
                        .map(d -> d.site().jobs().entry(job))
                        .map(entry -> entry.map(JobStore.Entry::revision).orElse(0));
            } catch (RuntimeException e) {
                SqlStates.requireFromDatabase(e);
                return Optional.empty();
            }
        }

        /** Whether somebody registered something newer while this job could not be registered. */
        boolean isOvertakenBy(Optional<JobStore.Entry> entry) {
            int now = entry.map(JobStore.Entry::revision).orElse(0);
            boolean counts = !second || entry.filter(JobStore.Entry::byFile).isEmpty();
            return counts && revision.filter(then -> then != now).isPresent();
        }
    }
}
