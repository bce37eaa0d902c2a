package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.db.SchemaMigrator.UnfitException;
import dev.backfill.orchestrator.db.SqlStates;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What is done to a database by hand. */
@Command(
        name = "database",
        description = "Looks after the program's own tables.",
        subcommands = DatabaseCommand.Upgrade.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class DatabaseCommand implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return ExitCode.INVALID.code();
    }

    /** Brings the own tables up to date. */
    @Command(
            name = "upgrade",
            description = "Creates the own tables, or brings them up to date; changes nothing when they are.",
            mixinStandardHelpOptions = true)
    static final class Upgrade implements Callable<Integer> {

        @Parameters(
                paramLabel = "NAME",
                arity = "0..1",
                description = "The configured name of the database; may be left out when there is only one.")
        private @Nullable String name;

        @Mixin
        private DatabaseOptions database = new DatabaseOptions();

        @Spec
        @SuppressWarnings("NullAway.Init")
        private CommandSpec spec;

        @Override
        public Integer call() throws Refusal {
            DatabaseSettings settings = database.target(
                            Optional.ofNullable(name), spec.commandLine().getErr())
                    .orElseThrow(() -> new Refusal(
                            ExitCode.INVALID,
                            "which database? Give --database URL or --config FILE, or set BACKFILL_DATABASE_URL"))
                    .database();
            try (Database target = new Database(settings)) {
                upgrade(target);
            } catch (UnfitException e) {
                throw new Refusal(ExitCode.INVALID, String.valueOf(e.getMessage()));
            } catch (SQLException | RuntimeException e) {
                SqlStates.requireFromDatabase(e);
                throw Refusal.of(settings.login().toString(), e);
            }
            spec.commandLine()
                    .getOut()
                    .println("the own tables in schema " + settings.own().schema() + " are up to date");
            return ExitCode.DONE.code();
        }

        private static void upgrade(Database target) throws SQLException {
            Optional<String> obstacle = SchemaMigrator.obstacle(target);
            if (obstacle.isPresent()) {
                throw new UnfitException(obstacle.get());
            }
            SchemaMigrator.upgrade(target);
        }
    }
}
