package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.cli.DatabaseOptions.Target;
import dev.backfill.orchestrator.console.Lag;
import dev.backfill.orchestrator.console.Outlook;
import dev.backfill.orchestrator.console.RunConsole;
import dev.backfill.orchestrator.console.RunDecision;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registration.Dependencies;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.replication.Signal;
import dev.backfill.orchestrator.report.Tallies;
import dev.backfill.orchestrator.report.TallyStore;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one job file to its end in the foreground. */
@Command(
        name = "run",
        description = {
            "Runs one job file to its end. Safe to interrupt, to kill and to call again:",
            "an unfinished run goes on from its checkpoints, a finished one is left alone.",
            "A job for several databases runs in one after the other."
        },
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", description = "A job file with one job.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Mixin
    private DatabaseOptions database = new DatabaseOptions();

    @Option(names = "--again", description = "Start a new run although the latest one has ended.")
    private boolean again;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws Refusal {
        Stop stop = new Stop(Timing.system());
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.INTERRUPTED.code())) {
            int code = call(stop);
            interruption.ended(code);
            return code;
        }
    }

    private int call(Stop stop) throws Refusal {
        JobFiles files = new JobFiles(CronTimes::problem);
        LoadedJob job = JobFileArgument.one(files, file, "run");
        List<Target> targets = database.targets(job.definition().target().databases(), err());
        if (targets.isEmpty()) {
            throw DatabaseOptions.missing();
        } else if (targets.size() == 1) {
            return run(targets.get(0), files, job, stop).code();
        }
        Map<String, String> summary = new LinkedHashMap<>();
        ExitCode all = ExitCode.DONE;
        for (Target target : targets) {
            String name = target.database().name();
            ExitCode code = stop.isRequested() ? ExitCode.INTERRUPTED : runOneOfSeveral(target, files, job, stop);
            summary.put(name, code.words());
            all = all == ExitCode.DONE ? code : all;
        }
        summary.forEach((name, words) -> out().println(name + ": " + words));
        return all.code();
    }

    /** One that cannot be worked keeps nobody from the others. */
    private ExitCode runOneOfSeveral(Target target, JobFiles files, LoadedJob job, Stop stop) {
        err().println("database " + target.database().name());
        try {
            return run(target, files, job, stop);
        } catch (Refusal e) {
            err().println(e.text());
            return e.exitCode();
        }
    }

    private ExitCode run(Target target, JobFiles files, LoadedJob job, Stop stop) throws Refusal {
        Host host = Host.here(
                Timing.system(),
                new Library(files, new Plugins(target.settings().plugins())),
                job.definition().execution().parallelism());
        try (Site site = new Site(host, target.settings(), target.database())) {
            return run(site, job, stop);
        } catch (SQLException | RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            throw Refusal.of(target.database().login().toString(), e);
        }
    }

    private ExitCode run(Site site, LoadedJob job, Stop stop) throws SQLException, Refusal {
        JobStatement statement = check(site, job);
        site.migrate();
        Dependencies dependencies = site.jobs().dependencies();
        refuseIfAny(job, dependencies.circle(job.definition()).map(circle -> Dependencies.WAITING + circle));
        dependencies.unknown(job.definition()).forEach(warning -> err().println("warning: " + warning));
        RunDecision decision = decide(site, job);
        if (decision instanceof RunDecision.AlreadyDone done) {
            out().println("job %s: run %s has succeeded already; nothing to do (--again starts a new run)"
                    .formatted(job.definition().name(), done.run().id()));
            return ExitCode.DONE;
        }
        return drive(site, begin(site, job, decision), statement, stop);
    }

    private JobStatement check(Site site, LoadedJob job) throws SQLException, Refusal {
        refuseIfAny(job, site.database().unknownPooler()); // what is set to look would stay in sessions of others
        Result result = site.check(job);
        if (result instanceof Refused refused) {
            JobFileArgument.refuseIfAny(refused.problems());
        }
        refuseIfAny(job, site.obstacle());
        Accepted accepted = (Accepted) result;
        accepted.warnings().forEach(warning -> err().println("warning: " + warning));
        return accepted.statement();
    }

    private static void refuseIfAny(LoadedJob job, Optional<String> obstacle) throws Refusal {
        if (obstacle.isPresent()) {
            throw new Refusal(
                    ExitCode.INVALID, job.problem("", obstacle.get(), "").display());
        }
    }

    private RunDecision decide(Site site, LoadedJob job) {
        return RunDecision.decide(site.stores().runs().latest(job.definition().name()), job.checksum(), again);
    }

    private Run begin(Site site, LoadedJob job, RunDecision decision) throws Refusal {
        if (decision instanceof RunDecision.Start) {
            Optional<Run> started = site.start(job);
            return started.isPresent() ? started.get() : begin(site, job, decide(site, job));
        } else if (decision instanceof RunDecision.GoOn goOn) {
            err().println("going on with run " + goOn.run().id() + " from its checkpoints");
            return goOn.run();
        } else if (decision instanceof RunDecision.Resume resume) {
            err().println("resuming run " + resume.run().id() + ", which was paused: "
                    + resume.run().details().reason().orElse("no reason given"));
            site.stores().transitions().resume(resume.run());
            return resume.run();
        } else if (decision instanceof RunDecision.Retry retry) {
            err().println("trying again what run " + retry.run().id() + " left: "
                    + retry.run().details().reason().orElse("it failed"));
            site.stores().transitions().move(retry.run(), RunState.RUNNING, "");
            return retry.run();
        } else if (decision instanceof RunDecision.AlreadyDone done) {
            return done.run();
        } else if (decision instanceof RunDecision.Refuse refuse) {
            throw new Refusal(ExitCode.INVALID, refuse.why());
        }
        throw new IllegalStateException("unknown decision: " + decision);
    }

    private ExitCode drive(Site site, Run run, JobStatement statement, Stop stop) throws SQLException {
        RunConsole console = new RunConsole(sources(site), Timing.system(), run, err());
        Tallies tallies = new Tallies(Timing.system());
        Run ended;
        try (RunConsole open = console.open(site.address())) {
            RunListener both = new RunListener.Several(List.of(tallies, open));
            ended = site.driveInForeground(run, statement, both, stop);
        } finally {
            write(tallies, site);
        }
        console.summarize(ended, out());
        return ExitCode.of(ended.state());
    }

    /** What the report of the run tells; without it the run is no less done. */
    private static void write(Tallies tallies, Site site) {
        try {
            new TallyStore(site.database()).write(tallies);
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
        }
    }

    /** Where the runs of a database are looked at. */
    static RunConsole.Sources sources(Site site) {
        return new RunConsole.Sources(
                site.stores().slices(),
                run -> site.board().run(run).map(RunCommand::outlook),
                () -> site.signals(Optional.empty()).stream()
                        .filter(signal -> signal.signal().equals(Signal.REPLICATION_LAG.word()))
                        .flatMap(signal -> signal.readings().stream())
                        .map(reading -> new Lag(reading.value(), reading.limit().orElseThrow()))
                        .max(Comparator.comparingDouble(Lag::seconds)));
    }

    /** The same figures as the admin API's. */
    private static Outlook outlook(RunView run) {
        return new Outlook(
                run.rows().all().estimated().orElse(0L),
                run.eta().map(eta -> new Outlook.Left(eta.expected(), eta.least(), eta.most())));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
