package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.cli.DatabaseOptions.Target;
import dev.backfill.orchestrator.processor.Plugins;
import dev.backfill.orchestrator.registry.JobFiles;
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
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks job files. */
@Command(
        name = "validate",
        description = "Checks job files, all problems at once; with a database also against its tables. Reads only.",
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "Job files.")
    @SuppressWarnings("NullAway.Init")
    private List<Path> files;

    @Mixin
    private DatabaseOptions database = new DatabaseOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws Refusal {
        JobFiles reader = new JobFiles(CronTimes::problem);
        boolean valid = true;
        for (Path file : files) {
            valid &= check(reader, file);
        }
        return (valid ? ExitCode.DONE : ExitCode.INVALID).code();
    }

    private boolean check(JobFiles reader, Path file) throws Refusal {
        PrintWriter out = spec.commandLine().getOut();
        JobFiles.Content content;
        try {
            content = JobFileArgument.read(reader, file);
        } catch (Refusal e) {
            out.println(e.text());
            return false;
        }
        content.problems().forEach(out::println);
        boolean valid = content.problems().isEmpty();
        for (LoadedJob job : content.jobs()) {
            valid &= check(reader, job);
        }
        if (valid) {
            content.jobs()
                    .forEach(job ->
                            out.println(file + ": job " + job.definition().name() + " is valid"));
        }
        return valid;
    }

    private boolean check(JobFiles files, LoadedJob job) throws Refusal {
        List<Target> targets = database.targets(
                job.definition().target().databases(), spec.commandLine().getErr());
        if (targets.size() == 1) {
            return check(files, job, targets.get(0));
        }
        boolean fits = true;
        for (Target target : targets) {
            spec.commandLine().getOut().println("database " + target.database().name());
            try {
                fits &= check(files, job, target);
            } catch (Refusal e) { // keeps nobody from the others
                spec.commandLine().getOut().println(e.text());
                fits = false;
            }
        }
        return fits;
    }

    private boolean check(JobFiles files, LoadedJob job, Target target) throws Refusal {
        PrintWriter out = spec.commandLine().getOut();
        Host host = Host.here(
                Timing.system(),
                new Library(files, new Plugins(target.settings().plugins())),
                1);
        try (Site site = new Site(host, target.settings(), target.database())) {
            Optional<String> pooler = site.database().unknownPooler();
            if (pooler.isPresent()) { // what is set to look would stay in sessions of others
                out.println(job.problem("", pooler.get(), "").display());
                return false;
            }
            Result result = site.check(job);
            if (result instanceof Refused refused) {
                refused.problems().forEach(out::println);
                return false;
            }
            if (result instanceof Accepted accepted) {
                accepted.warnings().forEach(warning -> out.println("warning: " + warning));
            }
            Optional<String> obstacle = site.obstacle();
            obstacle.ifPresent(o -> out.println(job.problem("", o, "").display()));
            return obstacle.isEmpty();
        } catch (SQLException e) {
            throw Refusal.of(target.database().login().toString(), e);
        }
    }
}
