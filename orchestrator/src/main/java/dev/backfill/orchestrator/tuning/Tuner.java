package dev.backfill.orchestrator.tuning;

import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registration.RevisionStore;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Changes how the run of a job goes while it is under way; every process hears of it within a second. Safe for use by several
 * threads.
 */
public final class Tuner {

    /** What came of it. */
    public sealed interface Answer {}

    /**
     * It is written down.
     *
     * @param run the run's id
     * @param sections how it goes now, as JSON
     */
    public record Written(String run, String sections) implements Answer {}

    /**
     * What was asked for is wrong, and nothing was changed.
     *
     * @param problems in a line each
     */
    public record Wrong(List<String> problems) implements Answer {
        /** Copies the list. */
        public Wrong {
            problems = List.copyOf(problems);
        }
    }

    /**
     * There is no run that could be tuned.
     *
     * @param latest the job's latest run, which has ended; empty when there is none
     */
    public record NoRun(Optional<Run> latest) implements Answer {}

    /**
     * Where runs and jobs are written down.
     *
     * @param runs its runs
     * @param revisions of its jobs
     * @param events what is noted
     */
    public record Records(RunStore runs, RevisionStore revisions, EventStore events) {}

    private static final Logger LOG = LoggerFactory.getLogger(Tuner.class);
    private static final int ATTEMPTS = 5;

    private final Records records;
    private final Tuning tuning;
    private final Function<LoadedJob, List<Problem>> check;
    private final TuningStore store;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param records what is written there besides
     * @param tuning lays what was tuned over a job
     * @param check what is wrong with a job's wishes in this database
     */
    public Tuner(Database database, Records records, Tuning tuning, Function<LoadedJob, List<Problem>> check) {
        this.records = records;
        this.tuning = tuning;
        this.check = check;
        this.store = new TuningStore(database);
    }

    /**
     * Changes how the unfinished run of a job goes.
     *
     * @param job the job's name
     * @param change the sections, or keys of them, that are to be otherwise, as JSON
     * @param who wants it
     * @return what came of it
     */
    public Answer tune(String job, String change, String who) {
        for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
            Optional<Run> latest = records.runs().latest(job);
            if (latest.filter(run -> run.state().isUnfinished()).isEmpty()) {
                return new NoRun(latest);
            }
            Run run = latest.get();
            Optional<String> before = store.of(run.id());
            LoadedJob registered = records.revisions().find(job, run.revision().number());
            Tuning.Tuned tuned = tuning.change(registered, before, change);
            List<String> problems = new ArrayList<>(tuned.problems());
            tuned.job().ifPresent(now -> check.apply(now).forEach(problem -> problems.add(Tuning.said(problem))));
            if (!problems.isEmpty()) {
                return new Wrong(problems);
            }
            String sections = tuned.sections().orElseThrow();
            if (store.write(run.id(), before, sections, records.events().inNameOf(who))) {
                return new Written(run.id(), sections);
            }
        }
        return new Wrong(List.of("somebody else tunes the run at the same time; say it again"));
    }

    /**
     * What was tuned of a run.
     *
     * @param run the run
     * @return as it is written down; empty when it goes by its job
     */
    public Optional<String> tuned(Run run) {
        return store.of(run.id());
    }

    /**
     * What each run that is worked now weighs a worker, over all processes, as it is tuned.
     *
     * @return by the runs' ids
     */
    public Map<String, Double> weights() {
        return store.weights();
    }

    /**
     * The job as a run goes by it.
     *
     * @param run the run
     * @param tuned as it is written down
     * @return empty when this version of the program cannot read it, which is said
     */
    public Optional<LoadedJob> job(Run run, Optional<String> tuned) {
        LoadedJob registered =
                records.revisions().find(run.revision().job(), run.revision().number());
        Optional<LoadedJob> job = tuning.of(registered, tuned);
        if (job.isEmpty()) {
            LOG.atWarn()
                    .addKeyValue("job", run.revision().job())
                    .addKeyValue("run", run.id())
                    .log("what was tuned cannot be read by this version of the program; the run goes on as before"
                            + " here: update the program, or tune it anew");
        }
        return job;
    }
}
