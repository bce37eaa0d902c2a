package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.registry.JobSchema;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The commands that print a text of the program's and need nothing for it. */
final class TextCommands {

    private TextCommands() {}

    /** Prints the SQL of the own tables. */
    @Command(
            name = "ddl",
            description = "Prints the SQL of the program's own tables, for subscribers of a publication of all tables.",
            mixinStandardHelpOptions = true)
    static final class Ddl implements Callable<Integer> {

        @Option(names = "--schema", paramLabel = "NAME", description = "The schema (default: ${DEFAULT-VALUE}).")
        private String schema = "backfill";

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Override
        public Integer call() {
            return print(spec, SchemaMigrator.script(schema));
        }
    }

    /** Prints the JSON Schema of the job file. */
    @Command(
            name = "schema",
            description = "Prints the JSON Schema of the job file, for editors.",
            mixinStandardHelpOptions = true)
    static final class Schema implements Callable<Integer> {

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Override
        public Integer call() {
            return print(spec, JobSchema.text());
        }
    }

    /** Prints a script for shells. */
    @Command(
            name = "completion",
            description = {
                "Prints a script by which a shell completes commands and their options.",
                "In bash: source <(backfill completion)",
                "In zsh the same, after: autoload -U +X bashcompinit && bashcompinit"
            },
            mixinStandardHelpOptions = true)
    static final class Completion implements Callable<Integer> {

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Override
        public Integer call() {
            CommandSpec root = spec.root();
            return print(spec, AutoComplete.bash(root.name(), root.commandLine()));
        }
    }

    private static int print(CommandSpec spec, String text) {
        spec.commandLine().getOut().println(text.strip());
        return ExitCode.DONE.code();
    }
}
