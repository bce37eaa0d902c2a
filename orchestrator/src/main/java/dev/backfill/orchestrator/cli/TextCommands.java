package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.access.Role;
import dev.backfill.orchestrator.access.Token;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.registry.JobSchema;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
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

    /** Makes a token. */
    @Command(
            name = "token",
            description = {
                "Makes a token for the admin API, and the line that tells the daemon of it.",
                "The token goes to standard output, and nobody keeps it; the rest goes to standard error."
            },
            mixinStandardHelpOptions = true)
    static final class NewToken implements Callable<Integer> {

        @Parameters(
                paramLabel = "NAME",
                arity = "0..1",
                description = "Whose it is, for the audit log (default: ${DEFAULT-VALUE}).")
        private String name = "me";

        @Option(
                names = "--role",
                paramLabel = "ROLE",
                description = "What it lets its owner do: viewer, operator or admin (default: ${DEFAULT-VALUE}).")
        private String role = Role.OPERATOR.word();

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Override
        public Integer call() throws Refusal {
            if (Role.of(role).isEmpty()) {
                throw new Refusal(ExitCode.INVALID, "--role " + role + " is no role; viewer, operator or admin is");
            } else if (!Admission.isName(name)) {
                throw new Refusal(
                        ExitCode.INVALID, "the name must be made of letters, digits and . _ @ -, at most 63 of them");
            }
            String token = Token.make();
            spec.commandLine()
                    .getErr()
                    .printf(
                            "Add to the configuration of the daemon, and start it anew:%n"
                                    + "    admin.tokens.\"%s\" { role = %s, sha256 = \"%s\" }%n"
                                    + "The token, for its owner's BACKFILL_TOKEN; it cannot be shown again:%n",
                            name, role, Token.sha256(token));
            spec.commandLine().getErr().flush();
            return print(spec, token);
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

    /** Loads the classes that most commands need. */
    @Command(
            name = "load-classes",
            hidden = true,
            description = "Does nothing but what most commands do at first, for an archive of their classes.",
            mixinStandardHelpOptions = true)
    static final class LoadClasses implements Callable<Integer> {

        private static final String NOBODY = "127.0.0.1:1";

        @Parameters(paramLabel = "FILE", description = "A job file.")
        @SuppressWarnings("NullAway.Init")
        private String file;

        @Override
        public Integer call() {
            Commands.execute("validate", file, "--database", "jdbc:postgresql://" + NOBODY + "/none");
            Commands.execute("list", "--server", "http://" + NOBODY);
            return ExitCode.DONE.code();
        }
    }

    private static int print(CommandSpec spec, String text) {
        spec.commandLine().getOut().println(text.strip());
        return ExitCode.DONE.code();
    }
}
