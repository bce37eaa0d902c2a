package dev.backfill.orchestrator.client;

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
                + " nothing was left, in every database.",
        mixinStandardHelpOptions = true)
public final class ProofCommand implements Callable<Integer> {

    @Parameters(paramLabel = "JOB", description = "The job's name.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(names = "--database", paramLabel = "NAME", description = "Only in this database.")
    private Optional<String> database = Optional.empty();

    @Option(names = "--json", description = "The answer of the admin API, for scripts.")
    private boolean json;

    @Mixin
    private ServerOptions server = new ServerOptions();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws RefusedException, InterruptedException {
        return Proofs.of(server.client(), job, database).tell(spec.commandLine().getOut(), json);
    }
}
