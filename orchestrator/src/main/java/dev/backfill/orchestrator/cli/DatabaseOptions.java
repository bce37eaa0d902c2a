package dev.backfill.orchestrator.cli;

import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.DatabaseUrl;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which database a command works in. */
final class DatabaseOptions {

    /** A database and the configuration around it. */
    record Target(Settings settings, DatabaseSettings database) {}

    @Option(
            names = "--database",
            paramLabel = "URL",
            description =
                    "jdbc:postgresql://... or postgresql://...; the environment's BACKFILL_DATABASE_URL otherwise."
                            + " The password comes from PGPASSWORD or the file that PGPASSFILE names.")
    private @Nullable String url;

    @Option(names = "--config", paramLabel = "FILE", description = "A configuration file that names the database.")
    private @Nullable Path config;

    /** The database that the options name; empty when they name none. */
    Optional<Target> target(Optional<String> jobsDatabase, PrintWriter err) throws Refusal {
        Map<String, String> environment = System.getenv();
        if (url != null && config != null) {
            throw new Refusal(ExitCode.INVALID, "give --database or --config, not both");
        }
        if (config != null) {
            return Optional.of(configured(SettingsReader.read(config), jobsDatabase));
        }
        String chosen = url != null ? url : environment.get("BACKFILL_DATABASE_URL");
        if (chosen == null || chosen.isEmpty()) {
            return Optional.empty();
        }
        DatabaseUrl parsed = parse(chosen);
        if (url != null && parsed.password().isPresent()) {
            err.println("warning: a password on the command line can be read by every user of this machine;"
                    + " PGPASSWORD or PGPASSFILE is safer");
        }
        Optional<String> password = parsed.password().or(() -> Optional.ofNullable(environment.get("PGPASSWORD")));
        Settings settings = SettingsReader.forDatabase(new Login(parsed.jdbc(), parsed.user(), password));
        return Optional.of(
                new Target(settings, settings.databases().values().iterator().next()));
    }

    /** What is said when the options name no database, and one is needed. */
    static Refusal missing() {
        return new Refusal(
                ExitCode.INVALID, "which database? Give --database URL or --config FILE, or set BACKFILL_DATABASE_URL");
    }

    private static DatabaseUrl parse(String url) throws Refusal {
        try {
            return DatabaseUrl.parse(url);
        } catch (IllegalArgumentException e) {
            throw new Refusal(ExitCode.INVALID, String.valueOf(e.getMessage()));
        }
    }

    private static Target configured(Settings settings, Optional<String> jobsDatabase) throws Refusal {
        Map<String, DatabaseSettings> databases = settings.databases();
        if (jobsDatabase.isEmpty() && databases.size() != 1) {
            throw new Refusal(
                    ExitCode.INVALID,
                    "the configuration has " + databases.size()
                            + " databases, so the job must say which: `database: NAME`");
        }
        String name = jobsDatabase.orElseGet(() -> databases.keySet().iterator().next());
        DatabaseSettings database = databases.get(name);
        if (database == null) {
            throw new Refusal(
                    ExitCode.INVALID,
                    "the configuration has no database " + name + "; it has " + String.join(", ", databases.keySet()));
        }
        return new Target(settings, database);
    }
}
