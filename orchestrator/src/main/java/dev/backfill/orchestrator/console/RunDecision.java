package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import java.util.Optional;

/** What {@code run} does with a job, by what became of the latest run of it. Pure. */
public sealed interface RunDecision {

    /** Begins a new run. */
    record Start() implements RunDecision {}

    /**
     * Goes on with an unfinished run.
     *
     * @param run the run
     */
    record GoOn(Run run) implements RunDecision {}

    /**
     * Resumes a paused run.
     *
     * @param run the run
     */
    record Resume(Run run) implements RunDecision {}

    /**
     * Works what a failed run left.
     *
     * @param run the run
     */
    record Retry(Run run) implements RunDecision {}

    /**
     * There is nothing to do.
     *
     * @param run the run
     */
    record AlreadyDone(Run run) implements RunDecision {}

    /**
     * Something else must be decided first.
     *
     * @param why what, in a sentence
     */
    record Refuse(String why) implements RunDecision {}

    /**
     * Decides.
     *
     * @param latest the latest run of the job
     * @param checksum of the content at hand
     * @param again whether a new run is asked for
     * @return what to do
     */
    static RunDecision decide(Optional<Run> latest, String checksum, boolean again) {
        if (latest.isEmpty()) {
            return new Start();
        }
        Run run = latest.get();
        boolean same = run.revision().checksum().equals(checksum);
        if (run.state().isUnfinished()) {
            return same ? unfinished(run) : new Refuse(otherUnfinished(run, checksum));
        }
        if (again) {
            return new Start();
        }
        return same ? finished(run) : new Refuse(otherFinished(run));
    }

    private static RunDecision unfinished(Run run) {
        return run.state() == RunState.PAUSED ? new Resume(run) : new GoOn(run);
    }

    private static RunDecision finished(Run run) {
        return switch (run.state()) {
            case SUCCEEDED -> new AlreadyDone(run);
            case FAILED -> new Retry(run);
            case CANCELLED ->
                new Refuse("run %s of job %s was cancelled; --again starts a new one"
                        .formatted(run.id(), run.revision().job()));
            case PENDING, RUNNING, PAUSED, VERIFYING -> throw new IllegalArgumentException("not finished: " + run);
        };
    }

    private static String otherUnfinished(Run run, String checksum) {
        return ("run %s of job %s is %s with other content: it runs revision %d (%s), the file is %s."
                        + " Finish it with its own file first, or give the changed job another name")
                .formatted(
                        run.id(),
                        run.revision().job(),
                        run.state(),
                        run.revision().number(),
                        brief(run.revision().checksum()),
                        brief(checksum));
    }

    private static String otherFinished(Run run) {
        return "run %s of job %s is %s, and its content (revision %d) was other than the file's; --again starts a new run"
                .formatted(
                        run.id(),
                        run.revision().job(),
                        run.state(),
                        run.revision().number());
    }

    private static String brief(String checksum) {
        return checksum.substring(0, Math.min(12, checksum.length()));
    }
}
