package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.timing.Interruption;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells what the latest check of a job's range found. */
@Command(
        name = "proof",
        description = "Tells what the latest check of a job's range found, asked of a daemon. Exit code 0 only when"
                + " every database of the job was checked, nothing was left in any, and no run has begun since; 4 when"
                + " a database or the daemon does not answer; else 1, with the reason.",
        mixinStandardHelpOptions = true)
public final class ProofCommand implements Callable<Integer> {

    @Parameters(paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(
            names = "--database",
            paramLabel = "NAME",
            description = "Only in this database, by its name in the daemon's configuration.")
    private Optional<String> database = Optional.empty();

    @Option(names = "--json", description = "The answer of the admin API, for scripts.")
    private boolean json;

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException {
        Stop stop = new Stop(Timing.system());
        try (Interruption interruption = Interruption.requesting(stop, ExitCode.INTERRUPTED.code())) {
            int code = call(stop).code();
            interruption.ended(code);
            return code;
        }
    }

    private ExitCode call(Stop stop) throws RefusedException {
        try {
            Proofs proofs = Proofs.of(server.client(stop), job, database);
            if (json) {
                proofs.tellAsJson(spec.commandLine().getOut());
            } else {
                proofs.tell(spec.commandLine().getOut());
            }
            return proofs.verdict();
        } catch (StoppedException e) {
            spec.commandLine().getErr().println("backfill: interrupted before the daemon answered");
            return ExitCode.INTERRUPTED;
        }
    }
}
