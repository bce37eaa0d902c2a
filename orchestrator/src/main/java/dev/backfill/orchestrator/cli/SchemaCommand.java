package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.registry.JobSchema;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the JSON Schema of the job file. */
@Command(
        name = "schema",
        description = "Prints the JSON Schema of the job file, for editors.",
        mixinStandardHelpOptions = true)
final class SchemaCommand implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().println(JobSchema.text().strip());
        return ExitCode.DONE.code();
    }
}
