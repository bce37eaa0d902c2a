package dev.backfill.orchestrator.site;

import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.config.ReplicationLimits;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.Hands;
import dev.backfill.orchestrator.engine.RunContext;
import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.engine.RunContext.Means;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.engine.RunContext.Surroundings;
import dev.backfill.orchestrator.engine.RunDriver;
import dev.backfill.orchestrator.registration.Dependencies;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.replication.ReplicationWatch;
import dev.backfill.orchestrator.replication.Signal;
import dev.backfill.orchestrator.replication.SignalGovernor;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.signals.HealthWatch;
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
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** What does the work in one database: checks jobs, and drives runs. Safe for use by several threads. */
final class Workshop {

    private final Host host;
    private final Database database;
    private final Stores stores;
    private final DatabaseClock clock;
    private final Hands hands;
    private final ReplicationWatch replication;
    private final HealthWatch health;
    private final Throttle everything;
    private final AtomicInteger driven = new AtomicInteger();

    Workshop(Host host, Database database, Stores stores, Pulse pulse, DatabaseClock clock) {
        this.host = host;
        this.database = database;
        this.stores = stores;
        this.clock = clock;
        ReplicationLimits limits = database.settings().work().replication();
        this.hands = host.hands().atMost(database.settings().work().maxWorkers());
        this.replication = new ReplicationWatch(database, limits, host.timing(), () -> driven.get() > 0);
        this.health = new HealthWatch(database, host.timing());
        this.everything = new Throttle(governors(pulse, limits));
    }

    private List<Governor> governors(Pulse pulse, ReplicationLimits limits) {
        List<Governor> governors = new ArrayList<>();
        governors.add(new StopGovernor(pulse::stopped));
        for (Signal signal : Signal.values()) {
            if (signal.isOn(limits)) {
                governors.add(new SignalGovernor(signal, limits, replication));
            }
        }
        governors.addAll(health.governors());
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
        blind(job).ifPresent(problems::add);
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

    private Optional<Problem> blind(LoadedJob job) throws SQLException {
        List<String> on = signals().stream().map(SignalState::signal).toList();
        if (on.isEmpty()) {
            return Optional.empty();
        }
        try (Connection connection = database.connectProbe()) {
            return ReplicationWatch.missingRight(connection)
                    .map(grant -> job.problem(
                            "/database",
                            "the health of the database cannot be watched: the role lacks pg_monitor",
                            grant + "; or turn its signals off in the configuration: throttle { "
                                    + String.join(" = off, ", on) + " = off }"));
        }
    }

    /** What is watched of the standbys, and what is allowed. */
    ReplicationLimits limits() {
        return database.settings().work().replication();
    }

    /** What is seen of the standbys. */
    ReplicationWatch replication() {
        return replication;
    }

    /** What is read of the database's health. */
    List<SignalState> signals() {
        List<SignalState> signals = new ArrayList<>(replication.states());
        signals.addAll(health.states());
        return signals;
    }

    /** Looks at the standbys and the rest of the database's health until stopped, if there is anything to watch. */
    void watchHealth(Stop stop) {
        health.loops()
                .forEach((what, loop) ->
                        Dispatcher.startThread(what + " " + database.settings().name(), () -> loop.accept(stop)));
        if (limits().isWatching()) {
            Dispatcher.startThread("standbys " + database.settings().name(), () -> replication.watch(stop));
        }
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

    private Run with(Run run, JobStatement statement, Ending ending, Function<RunDriver, Run> work)
            throws SQLException {
        int connections = statement.job().execution().parallelism() + 1;
        driven.incrementAndGet();
        replication.wake();
        Yielding yielding =
                new Yielding(host.timing(), database.session(statement.job()).applicationName());
        health.begin(statement.table().identity(), yielding);
        try (WorkerSessions sessions = database.openWorkers(database.session(statement.job()), connections)) {
            Limits limits = new Limits(throttle(statement).and(yielding), hands, yielding);
            Surroundings around =
                    new Surroundings(host.timing(), Workshop::random, ending.listener(), ending.stop(), limits);
            return work.apply(
                    new RunDriver(new RunContext(run.id(), statement, stores, means(statement, sessions), around)));
        } finally {
            driven.decrementAndGet();
            health.end(statement.table().identity(), yielding);
        }
    }

    private Means means(JobStatement statement, WorkerSessions sessions) {
        Dependencies dependencies = new Dependencies(database);
        return new Means(
                sessions,
                () -> host.library().plugins().change(statement, host.timing()),
                () -> Optional.of(String.join("; ", dependencies.unmet(statement.job())))
                        .filter(unmet -> !unmet.isEmpty()));
    }

    /** What sets the pace of every run here. */
    Throttle everything() {
        return everything;
    }

    /** What sets the pace of a job's runs here. */
    private Throttle throttle(JobStatement statement) {
        Throttle throttle = throttle(statement.job());
        for (Governor governor : health.governors(statement.table().identity())) {
            throttle = throttle.and(governor);
        }
        return throttle;
    }

    /** The same before its table is looked at. */
    Throttle throttle(JobDefinition job) {
        var schedule = job.execution().schedule();
        return schedule.windows().isEmpty()
                ? everything()
                : everything()
                        .and(new WindowGovernor(
                                new Windows(schedule.windows(), schedule.zone()), schedule.zone(), clock));
    }

    // Asked anew by each thread: the generator of one thread is not seeded in another.
    private static long random() {
        return ThreadLocalRandom.current().nextLong();
    }
}
