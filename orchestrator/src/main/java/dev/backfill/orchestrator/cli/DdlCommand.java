package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.db.SchemaMigrator;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints the SQL of the own tables. */
@Command(
        name = "ddl",
        description = "Prints the SQL of the program's own tables, for subscribers of a publication of all tables.",
        mixinStandardHelpOptions = true)
final class DdlCommand implements Callable<Integer> {

    @Option(names = "--schema", paramLabel = "NAME", description = "The schema (default: ${DEFAULT-VALUE}).")
    private String schema = "backfill";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().println(SchemaMigrator.script(schema).strip());
        return ExitCode.DONE.code();
    }
}
