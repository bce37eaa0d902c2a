package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.client.ProofCommand;
import dev.backfill.orchestrator.client.RefusedException;
import dev.backfill.orchestrator.client.VerifyCommand;
import dev.backfill.orchestrator.config.ConfigurationException;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.operate.ApplyCommand;
import dev.backfill.orchestrator.operate.EventsCommand;
import dev.backfill.orchestrator.operate.ForgetCommand;
import dev.backfill.orchestrator.operate.ListCommand;
import dev.backfill.orchestrator.operate.ReportCommand;
import dev.backfill.orchestrator.operate.ShowCommand;
import dev.backfill.orchestrator.operate.TuneCommand;
import dev.backfill.orchestrator.operate.VerbCommands;
import dev.backfill.orchestrator.schedule.CronTimes;
import dev.backfill.orchestrator.words.PlainText;
import java.io.PrintWriter;
import java.util.logging.Level;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line. */
@Command(
        name = "backfill",
        description = "Backfills large PostgreSQL tables in small checkpointed batches, exactly once.",
        subcommands = {
            DemoCommand.class,
            RunCommand.class,
            ServeCommand.class,
            ValidateCommand.class,
            DryRunCommand.class,
            ApplyCommand.class,
            ListCommand.class,
            ShowCommand.class,
            VerbCommands.Start.class,
            VerbCommands.Pause.class,
            VerbCommands.Resume.class,
            VerbCommands.Cancel.class,
            VerbCommands.Retry.class,
            VerifyCommand.class,
            TuneCommand.class,
            EventsCommand.class,
            ReportCommand.class,
            ProofCommand.class,
            ForgetCommand.class,
            TextCommands.Schema.class,
            TextCommands.Ddl.class,
            TextCommands.NewToken.class,
            TextCommands.LoadClasses.class,
            DatabaseCommand.class,
            TextCommands.Completion.class,
            CommandLine.HelpCommand.class
        },
        mixinStandardHelpOptions = true,
        versionProvider = Commands.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:the run failed",
            "2:wrong usage or invalid input; nothing was changed",
            "3:interrupted or paused; call again to go on",
            "4:the database or the daemon could not be reached, or the daemon said no"
        })
public final class Commands {

    /** Held, so that its level stays: the driver's own words about a URL are said better by us. */
    private static final java.util.logging.Logger DRIVER = java.util.logging.Logger.getLogger("org.postgresql");

    private Commands() {}

    /**
     * Carries out a command line.
     *
     * @param arguments the words behind the program's name
     * @return the exit code
     */
    public static int execute(String... arguments) {
        DRIVER.setLevel(Level.OFF);
        CommandLine line = new CommandLine(new Commands(), Commands::made);
        line.setExecutionExceptionHandler((e, command, parsed) -> report(e, command.getErr()));
        return line.execute(arguments);
    }

    /** A command, or whatever else the command line needs; commands are handed what they may not reach for. */
    private static <K> K made(Class<K> type) throws Exception {
        return type.equals(ApplyCommand.class)
                ? type.cast(new ApplyCommand(CronTimes::problem))
                : CommandLine.defaultFactory().create(type);
    }

    private static int report(Exception e, PrintWriter err) {
        if (e instanceof Refusal refusal) {
            err.println(refusal.text());
            return refusal.exitCode().code();
        }
        if (e instanceof RefusedException refused) {
            err.println("backfill: " + PlainText.of(String.valueOf(refused.getMessage())));
            return refused.exitCode();
        }
        if (e instanceof ConfigurationException configuration) {
            configuration.problems().forEach(err::println);
            return ExitCode.INVALID.code();
        }
        LoggerFactory.getLogger(Commands.class).atDebug().setCause(e).log("command failed");
        err.println("backfill: " + SqlStates.message(e));
        return ExitCode.FAILED.code();
    }

    /** The version of this build. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Commands.class.getPackage().getImplementationVersion();
            return new String[] {"backfill " + (version == null ? "(not packaged)" : version)};
        }
    }
}
