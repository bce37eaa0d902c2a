package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.dryrun.DryRun;
import dev.backfill.orchestrator.dryrun.Forecast;
import dev.backfill.orchestrator.dryrun.ForecastText;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.site.Host;
import dev.backfill.orchestrator.site.Host.Library;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.timing.Timing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what a run would do. */
@Command(
        name = "dry-run",
        description = {
            "Says what a run would do: its range, its slices, and how a batch finds its rows. Reads only.",
            "With --sample it also tries five batches and rolls them back, to say what they cost.",
            "Exit code 1: a batch that was tried would stop the run. 2: the job cannot run, or moves its own key."
        },
        mixinStandardHelpOptions = true)
final class DryRunCommand implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", description = "A job file with one job.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Mixin
    private DatabaseOptions database = new DatabaseOptions();

    @Option(
            names = "--sample",
            description =
                    "Try batches at the start, at the end and at 1/2, 1/4 and 3/4 of the range, and roll them back. They take"
                            + " locks as those of a run do, for as long as a batch lasts, and write WAL. Sequences advance, dead"
                            + " rows stay until vacuum, and what triggers or a processor do elsewhere is not undone.")
    private boolean sample;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws Refusal {
        JobFiles files = new JobFiles(CronTimes::problem);
        LoadedJob job = JobFileArgument.one(files, file, "dry-run");
        List<DatabaseOptions.Target> targets = database.targets(
                job.definition().target().databases(), spec.commandLine().getErr());
        if (targets.isEmpty()) {
            throw DatabaseOptions.missing();
        }
        if (targets.size() == 1) {
            return forecast(targets.get(0), files, job).code();
        }
        ExitCode all = ExitCode.DONE;
        for (DatabaseOptions.Target target : targets) {
            ExitCode code = oneOfSeveral(target, files, job);
            all = all == ExitCode.DONE ? code : all;
        }
        return all.code();
    }

    /** One that cannot be looked at keeps nobody from the others. */
    private ExitCode oneOfSeveral(DatabaseOptions.Target target, JobFiles files, LoadedJob job) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("database " + target.database().name());
        try {
            return forecast(target, files, job);
        } catch (Refusal e) {
            out.println(e.text());
            return e.exitCode();
        }
    }

    private ExitCode forecast(DatabaseOptions.Target target, JobFiles files, LoadedJob job) throws Refusal {
        Library library = new Library(files, new Plugins(target.settings().plugins()));
        Host host = Host.here(Timing.system(), library, 1);
        try (Site site = new Site(host, target.settings(), target.database())) {
            return forecast(site, library, job);
        } catch (SQLException | RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            throw Refusal.of(target.database().login().toString(), e);
        }
    }

    private ExitCode forecast(Site site, Library library, LoadedJob job) throws SQLException {
        PrintWriter out = spec.commandLine().getOut();
        Optional<String> pooler = site.database().unknownPooler();
        if (pooler.isPresent()) { // what a session is set to, to look, would stay with others
            out.println(job.problem("", pooler.get(), "").display());
            return ExitCode.INVALID;
        }
        Optional<String> obstacle = site.obstacle();
        obstacle.ifPresent(o -> out.println(job.problem("", o, "").display()));
        Result result = site.check(job);
        if (result instanceof Refused refused) {
            refused.problems().forEach(out::println);
            return ExitCode.INVALID;
        }
        Accepted accepted = (Accepted) result;
        accepted.warnings().forEach(warning -> out.println("warning: " + warning));
        Forecast forecast = forecast(site.database(), library, accepted.statement(), obstacle);
        ForecastText.of(forecast).forEach(out::println);
        if (obstacle.isPresent() || forecast.movesKeys()) {
            return ExitCode.INVALID;
        }
        return forecast.wouldPause() ? ExitCode.FAILED : ExitCode.DONE;
    }

    private Forecast forecast(Database at, Library library, JobStatement statement, Optional<String> obstacle)
            throws SQLException {
        try (Connection connection = at.connect(at.session(statement.job()))) {
            DryRun dryRun = new DryRun(connection, statement, Timing.system());
            Forecast seen = dryRun.look();
            if (!sample) {
                return seen;
            } else if (obstacle.isPresent()) {
                return seen.hindered("something stands in the way, see above");
            }
            if (seen.hasRows()) {
                announce(statement);
            }
            try (Change change = library.plugins().change(statement, Timing.system())) {
                return dryRun.sample(seen, change);
            }
        }
    }

    private void announce(JobStatement statement) {
        String what =
                "trying batches of up to %s keys on %s, each of which is rolled back; sequences advance, dead rows stay"
                        + " until vacuum, and what triggers or processors do elsewhere is not undone";
        int size = statement.job().execution().batch().size();
        spec.commandLine().getErr().println(what.formatted(Integer.toString(size), statement.tableName()));
    }
}
