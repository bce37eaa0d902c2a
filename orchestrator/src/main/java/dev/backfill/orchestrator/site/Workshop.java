package dev.backfill.orchestrator.site;

import dev.backfill.api.JobDefinition;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SessionSettings;
import dev.backfill.orchestrator.db.WorkerSessions;
import dev.backfill.orchestrator.engine.Hands;
import dev.backfill.orchestrator.engine.RunContext;
import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.engine.RunContext.Stores;
import dev.backfill.orchestrator.engine.RunContext.Surroundings;
import dev.backfill.orchestrator.engine.RunDriver;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.throttle.DatabaseClock;
import dev.backfill.orchestrator.throttle.StopGovernor;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.throttle.WindowGovernor;
import dev.backfill.orchestrator.throttle.Windows;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/** What does the work in one database: checks jobs, and drives runs. Safe for use by several threads. */
final class Workshop {

    private final Host host;
    private final Database database;
    private final Stores stores;
    private final Pulse pulse;
    private final DatabaseClock clock;
    private final Hands hands;
    private final ReplicationWatch replication;
    private final Throttle everything;
    private final AtomicInteger driven = new AtomicInteger();

    Workshop(Host host, Database database, Stores stores, Pulse pulse, DatabaseClock clock) {
        this.host = host;
        this.database = database;
        this.stores = stores;
        this.pulse = pulse;
        this.clock = clock;
        ReplicationLimits limits = database.settings().work().replication();
        this.hands = host.hands().atMost(database.settings().work().maxWorkers());
        this.replication = new ReplicationWatch(database, limits, host.timing(), () -> driven.get() > 0);
        this.everything = new Throttle(governors(pulse, limits));
    }

    /** Checks a job against the live database. Reads only. */
    LiveCheck.Result check(LoadedJob job) throws SQLException {
        try (Connection connection = database.connect(checking(job.definition()))) {
            return LiveCheck.check(job, connection);
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
        try (WorkerSessions sessions = database.openWorkers(session(statement.job()), connections)) {
            Limits limits = new Limits(throttle(statement.job()), hands);
            Surroundings around =
                    new Surroundings(host.timing(), Workshop::random, ending.listener(), ending.stop(), limits);
            return work.apply(new RunDriver(new RunContext(run.id(), statement, stores, sessions, around)));
        }
    }

    /** What sets the pace of every run here. */
    Throttle everything() {
        return everything;
    }

    /** What sets the pace of a job's runs here. */
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

    private SessionSettings session(JobDefinition job) {
        return session(
                job,
                job.execution().timeZone().orElse(database.settings().session().timeZone()));
    }

    /** The check itself sets the job's time zone, and says where it stands when there is none of that name. */
    private SessionSettings checking(JobDefinition job) {
        return session(job, database.settings().session().timeZone());
    }

    private SessionSettings session(JobDefinition job, String timeZone) {
        return new SessionSettings(
                "backfill/" + job.name(),
                new SessionSettings.Timeouts(
                        job.execution().errors().lockTimeout(),
                        job.execution().errors().statementTimeout()),
                timeZone,
                database.settings().session());
    }
}
