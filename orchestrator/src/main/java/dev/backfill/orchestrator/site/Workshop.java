package dev.backfill.orchestrator.site;

import dev.backfill.api.Execution;
import dev.backfill.api.JobDefinition;
import dev.backfill.api.Pacing;
import dev.backfill.orchestrator.config.ThrottleSettings;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.RunContext;
import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.engine.RunContext.Means;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.engine.RunContext.Surroundings;
import dev.backfill.orchestrator.engine.RunDriver;
import dev.backfill.orchestrator.pacing.Ceiling;
import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.pacing.Shares;
import dev.backfill.orchestrator.pacing.Shares.Share;
import dev.backfill.orchestrator.pacing.Steering;
import dev.backfill.orchestrator.pacing.Steering.Course;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.registration.Dependencies;
import dev.backfill.orchestrator.registration.RevisionStore;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.LoadedJob.Locations;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.replication.ReplicationWatch;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.throttle.DatabaseClock;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.throttle.StopGovernor;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.throttle.WindowGovernor;
import dev.backfill.orchestrator.throttle.Windows;
import dev.backfill.orchestrator.throttle.Yielding;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.tuning.Tuner;
import dev.backfill.orchestrator.tuning.Tuning;
import dev.backfill.orchestrator.watch.Watches;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/** What does the work in one database: checks jobs, and drives runs. Safe for use by several threads. */
final class Workshop {

    private final Host host;
    private final Database database;
    private final Stores stores;
    private final DatabaseClock clock;
    private final Hands hands;
    private final Watches watches;
    private final StopGovernor stop;
    private final ThrottleSettings settings;
    private final Throttle everything;
    private final Shares shares;
    private final Tuner tuner;

    Workshop(Host host, Database database, Stores stores, Pulse pulse, DatabaseClock clock) {
        this.host = host;
        this.database = database;
        this.stores = stores;
        this.clock = clock;
        this.settings = database.settings().work().throttle();
        this.hands = host.hands().atMost(database.settings().work().maxWorkers());
        this.watches = new Watches(database, host.timing());
        this.stop = new StopGovernor(pulse::stopped);
        this.everything = new Throttle(governors(watches.governors()));
        this.shares = new Shares(host.timing(), () -> everything.pace().ratio() < 1);
        this.tuner = new Tuner(
                database,
                new Tuner.Records(stores.runs(), new RevisionStore(database, host.files()), stores.events()),
                new Tuning(host.files()),
                this::changes);
    }

    private List<Governor> governors(List<Governor> ofSignals) {
        List<Governor> governors = new ArrayList<>();
        governors.add(stop);
        governors.addAll(ofSignals);
        return governors;
    }

    /** Checks a job against the live database, and whether what it has to give way to can be seen. Reads only. */
    LiveCheck.Result check(LoadedJob job) throws SQLException {
        return check(job, host.library().plugins().problems(job));
    }

    /** The same for a run whose batches are all made, for which no processor is needed. */
    LiveCheck.Result checkWithoutProcessor(LoadedJob job) throws SQLException {
        return check(job, List.of());
    }

    private LiveCheck.Result check(LoadedJob job, List<Problem> more) throws SQLException {
        LiveCheck.Result result;
        try (Connection connection = database.connect(database.checking(job.definition()))) {
            result = LiveCheck.check(job, connection);
        }
        List<Problem> problems =
                new ArrayList<>(result instanceof LiveCheck.Refused refused ? refused.problems() : List.of());
        problems.addAll(more);
        problems.addAll(wishes(job));
        return problems.isEmpty() ? result : new LiveCheck.Refused(problems);
    }

    /** Whether a job needs a processor that this process has not. */
    boolean lacks(JobDefinition job) {
        return host.library().plugins().lacks(job.work());
    }

    /** How time passes. */
    Timing timing() {
        return host.timing();
    }

    /** What is wrong with what a job wants to give way to, or keeps that from being seen. */
    private List<Problem> wishes(LoadedJob job) throws SQLException {
        ThrottleSettings.Adjusted adjusted =
                settings.with(job.definition().execution().pacing().throttle());
        List<Problem> problems = problems(job, adjusted);
        blind(job, adjusted.policy()).ifPresent(problems::add);
        return problems;
    }

    private static List<Problem> problems(LoadedJob job, ThrottleSettings.Adjusted adjusted) {
        List<Problem> problems = new ArrayList<>();
        adjusted.problems()
                .forEach((signal, wrong) -> wrong.forEach(text -> problems.add(job.problem(
                        Locations.pointer("/throttle", signal),
                        "throttle." + text,
                        "the signals are those of the configuration"))));
        return problems;
    }

    private Optional<Problem> blind(LoadedJob job, Policy policy) throws SQLException {
        return watches.blind(policy)
                .map(blind -> job.problem(
                        "/database", "the health of the database cannot be watched: " + blind.why(), blind.help()));
    }

    /** What is wrong with a change of a run; one that gives way to nothing more needs no more rights. */
    private List<Problem> changes(LoadedJob job) {
        ThrottleSettings.Adjusted adjusted =
                settings.with(job.definition().execution().pacing().throttle());
        List<Problem> problems = problems(job, adjusted);
        Policy usual = settings.policy();
        boolean isMore =
                !usual.levels().keySet().containsAll(adjusted.policy().levels().keySet())
                        || !usual.standbys()
                                .on()
                                .containsAll(adjusted.policy().standbys().on());
        if (isMore) {
            try {
                blind(job, adjusted.policy()).ifPresent(problems::add);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
        return problems;
    }

    /** Changes how runs go while they are under way. */
    Tuner tuner() {
        return tuner;
    }

    /** What is seen of the standbys. */
    ReplicationWatch replication() {
        return watches.replication();
    }

    /** What is read of the database's health, by the policy of a job's run where that is driven here. */
    List<SignalState> signals(Optional<String> job) {
        return watches.states(job);
    }

    /** Looks at all that is watched of the database until stopped. */
    void watchHealth(Stop ended) {
        watches.loops()
                .forEach((what, loop) ->
                        Dispatcher.startThread(what + " " + database.settings().name(), () -> loop.accept(ended)));
    }

    /** Drives a run while somebody else keeps the pulse. */
    Run drive(Run run, JobStatement statement, RunListener listener, Stop stop) throws SQLException {
        return with(run, statement, new Ending(listener, stop), driver -> driver.drive(run));
    }

    /** Checks a run that has ended again. */
    void checkAgain(Run run, JobStatement statement, RunListener listener, Stop stop) throws SQLException {
        with(run, statement, new Ending(listener, stop), driver -> {
            driver.check(run);
            return run;
        });
    }

    private record Ending(RunListener listener, Stop stop) {}

    /** A run that is driven here, and how it goes. */
    private final class Steered implements AutoCloseable {
        private final Run run;
        private final Yielding yielding;
        private final Watches.Moving moving;
        private final Share share;
        private final Ceiling ceiling = new Ceiling(host.timing(), watches.ownWal());
        private volatile Course course;
        private final Steering steering;

        Steered(Run run, JobStatement statement, Optional<String> tuned, Execution execution) {
            this.run = run;
            this.yielding = new Yielding(
                    host.timing(), database.session(statement.job()).applicationName());
            this.moving = watches.begin(run.revision().job(), statement.table().identity(), yielding);
            this.share = shares.begin(run.id());
            this.course = course(execution);
            this.steering = new Steering(tuned, course, this::read);
        }

        /** What cannot be read changes nothing: a newer version of the program has written it. */
        private Course read(Optional<String> tuned) {
            tuner.job(run, tuned)
                    .ifPresent(job -> course = course(job.definition().execution()));
            return course;
        }

        private Course course(Execution execution) {
            Pacing pacing = execution.pacing();
            Policy policy = settings.with(pacing.throttle()).policy();
            share.weigh(pacing.weight(), pacing.parallelism());
            ceiling.limit(pacing.ceilings());
            Throttle throttle =
                    new Throttle(governors(moving.governors(policy))).and(share).and(yielding);
            return new Course(execution, window(execution).map(throttle::and).orElse(throttle));
        }

        Limits limits() {
            return new Limits(steering, ceiling, share, hands, yielding);
        }

        @Override
        public void close() {
            share.close();
            moving.close();
        }
    }

    private Run with(Run run, JobStatement statement, Ending ending, Function<RunDriver, Run> work)
            throws SQLException {
        Optional<String> tuned = tuner.tuned(run);
        Execution execution = (tuned.isEmpty() ? Optional.<LoadedJob>empty() : tuner.job(run, tuned))
                .map(job -> job.definition().execution())
                .orElse(statement.job().execution());
        try (Steered here = new Steered(run, statement, tuned, execution);
                WorkerSessions sessions =
                        database.openWorkers(database.session(statement.job()), execution.parallelism() + 1)) {
            Surroundings around =
                    new Surroundings(host.timing(), Workshop::random, ending.listener(), ending.stop(), here.limits());
            Means means = means(run, statement, sessions);
            return work.apply(new RunDriver(new RunContext(run.id(), statement, stores, means, around)));
        }
    }

    private Means means(Run run, JobStatement statement, WorkerSessions sessions) {
        Dependencies dependencies = new Dependencies(database);
        return new Means(
                sessions,
                () -> host.library().plugins().change(statement, host.timing()),
                () -> Optional.of(String.join("; ", dependencies.unmet(statement.job())))
                        .filter(unmet -> !unmet.isEmpty()),
                () -> tuner.tuned(run),
                tuner::weights);
    }

    /** What sets the pace of every run here. */
    Throttle everything() {
        return everything;
    }

    private Optional<Governor> window(Execution execution) {
        var schedule = execution.schedule();
        return schedule.windows().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new WindowGovernor(new Windows(schedule.windows(), schedule.zone()), schedule.zone(), clock));
    }

    // Asked anew by each thread: the generator of one thread is not seeded in another.
    private static long random() {
        return ThreadLocalRandom.current().nextLong();
    }
}
