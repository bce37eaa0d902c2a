package dev.backfill.orchestrator.tuning;

import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.registration.RevisionStore;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.EventStore;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Changes how the run of a job goes while it is under way; every process hears of it within a second. Safe for use by several threads. */
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

    private static final int ATTEMPTS = 5;

    private final Database database;
    private final RunStore runs;
    private final RevisionStore revisions;
    private final EventStore events;
    private final Tuning tuning;
    private final TuningStore store;

    /**
     * Over a database.
     *
     * @param database where the own tables are
     * @param runs its runs
     * @param revisions of its jobs
     * @param events where it is noted
     * @param tuning lays what was tuned over a job
     */
    public Tuner(Database database, RunStore runs, RevisionStore revisions, EventStore events, Tuning tuning) {
        this.database = database;
        this.runs = runs;
        this.revisions = revisions;
        this.events = events;
        this.tuning = tuning;
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
            Optional<Run> latest = runs.latest(job);
            if (latest.filter(run -> run.state().isUnfinished()).isEmpty()) {
                return new NoRun(latest);
            }
            Run run = latest.get();
            Optional<String> before = store.of(run.id());
            LoadedJob registered = revisions.find(job, run.revision().number());
            Tuning.Tuned tuned = tuning.change(registered, before, change);
            List<String> problems = new ArrayList<>(tuned.problems());
            tuned.job().ifPresent(now -> problems.addAll(throttleProblems(now)));
            if (!problems.isEmpty()) {
                return new Wrong(problems);
            }
            String sections = tuned.sections().orElseThrow();
            if (store.write(run.id(), before, sections, events.inNameOf(who))) {
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
     * The job as a run goes by it.
     *
     * @param run the run
     * @param tuned as it is written down
     * @return empty when this version of the program cannot read it
     */
    public Optional<LoadedJob> job(Run run, Optional<String> tuned) {
        return tuning.of(revisions.find(run.revision().job(), run.revision().number()), tuned);
    }

    private List<String> throttleProblems(LoadedJob job) {
        Map<String, SignalRule> rules = job.definition().execution().pacing().throttle();
        return database.settings().work().throttle().with(rules).problems().values().stream()
                .flatMap(List::stream)
                .map(problem -> "throttle." + problem)
                .toList();
    }
}
