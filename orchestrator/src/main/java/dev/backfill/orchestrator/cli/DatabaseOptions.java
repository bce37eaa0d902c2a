package dev.backfill.orchestrator.cli;

import dev.backfill.api.JobTarget;
import dev.backfill.orchestrator.addresses.DatabaseUrl;
import dev.backfill.orchestrator.config.DatabaseSettings;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.Settings;
import dev.backfill.orchestrator.config.SettingsReader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
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

    /**
     * The one database that the options name; empty when they name none.
     *
     * @param name its configured name; may be left out when there is only one
     */
    Optional<Target> target(Optional<String> name, PrintWriter err) throws Refusal {
        List<Target> found = targets(name.map(List::of).orElse(List.of()), err);
        if (found.size() > 1) {
            throw new Refusal(ExitCode.INVALID, "name one database; " + name.orElse("") + " means several");
        }
        return found.stream().findFirst();
    }

    /**
     * The databases that the options name; none when they name none.
     *
     * @param wanted configured names and patterns; may be left out when there is only one
     */
    List<Target> targets(List<String> wanted, PrintWriter err) throws Refusal {
        Map<String, String> environment = System.getenv();
        if (url != null && config != null) {
            throw new Refusal(ExitCode.INVALID, "give --database or --config, not both");
        }
        if (config != null) {
            return configured(SettingsReader.read(config), wanted);
        }
        String chosen = url != null ? url : environment.get("BACKFILL_DATABASE_URL");
        if (chosen == null || chosen.isEmpty()) {
            return List.of();
        }
        DatabaseUrl parsed = parse(chosen);
        if (url != null && parsed.password().isPresent()) {
            err.println("warning: a password on the command line can be read by every user of this machine;"
                    + " PGPASSWORD or PGPASSFILE is safer");
        }
        Optional<String> password = parsed.password().or(() -> Optional.ofNullable(environment.get("PGPASSWORD")));
        Settings settings = SettingsReader.forDatabase(new Login(parsed.jdbc(), parsed.user(), password));
        return List.of(
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

    private static List<Target> configured(Settings settings, List<String> wanted) throws Refusal {
        Map<String, DatabaseSettings> databases = settings.databases();
        if (wanted.isEmpty() && databases.size() != 1) {
            throw new Refusal(
                    ExitCode.INVALID,
                    "the configuration has " + databases.size()
                            + " databases, so the job must say which: `database: NAME`");
        }
        for (String name : wanted) {
            if (databases.keySet().stream().noneMatch(each -> JobTarget.matches(name, each))) {
                String there = String.join(", ", databases.keySet());
                throw new Refusal(ExitCode.INVALID, "the configuration has no database " + name + "; it has " + there);
            }
        }
        return databases.entrySet().stream()
                .filter(each ->
                        wanted.isEmpty() || wanted.stream().anyMatch(name -> JobTarget.matches(name, each.getKey())))
                .map(each -> new Target(settings, each.getValue()))
                .toList();
    }
}
