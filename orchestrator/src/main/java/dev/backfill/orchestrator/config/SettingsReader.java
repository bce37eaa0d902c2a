package dev.backfill.orchestrator.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Reads the configuration: a file over the defaults, system properties over both. */
public final class SettingsReader {

    private static final Set<String> KEYS = Set.of(
            "lease",
            "databases",
            "database-defaults",
            "jobs",
            "plugins",
            "stop-file",
            "workers",
            "scheduler",
            "admin",
            "metrics");

    /** The system property that says where the program is installed. */
    private static final String HOME = "backfill.home";

    private final Path directory;
    private final Problems problems = new Problems();

    private SettingsReader(Path directory) {
        this.directory = directory;
    }

    /**
     * Reads a configuration file. It may name no database at all; whoever needs one looks whether there are some.
     *
     * @param file HOCON; relative paths in it are relative to its directory
     * @return the settings
     * @throws ConfigurationException with every problem, when there is one
     */
    public static Settings read(Path file) {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new ConfigurationException(List.of(file + ": no such file, or it cannot be read"));
        }
        Path parent = file.toAbsolutePath().getParent();
        return new SettingsReader(parent == null ? Path.of("") : parent)
                .settings(() -> ConfigFactory.parseFile(
                        file.toFile(), ConfigParseOptions.defaults().setAllowMissing(false)));
    }

    /**
     * The settings without a file, for one database named by its URL.
     *
     * @param login where the database is
     * @return the defaults with one database, {@code main}
     * @throws ConfigurationException when an override does not fit
     */
    public static Settings forDatabase(Login login) {
        Settings settings = new SettingsReader(Path.of(""))
                .settings(() -> ConfigFactory.parseMap(Map.of("databases.main.url", login.url()), "--database"));
        Map<String, DatabaseSettings> databases = new TreeMap<>(settings.databases());
        databases.computeIfPresent(
                "main", (name, d) -> new DatabaseSettings(name, login, d.own(), d.session(), d.work()));
        return new Settings(settings.lease(), databases, settings.plugins(), settings.daemon());
    }

    private Settings settings(Supplier<Config> parser) {
        Section root;
        try {
            Config own = parser.get();
            Section.root(own.root(), problems).allow(KEYS);
            Config all = ConfigFactory.defaultOverrides()
                    .withFallback(own)
                    .withFallback(ConfigFactory.defaultReference())
                    .resolve(ConfigResolveOptions.defaults().setAllowUnresolved(true));
            root = Section.root(all.root(), problems);
        } catch (ConfigException e) {
            problems.add(e);
            problems.refuseAny();
            throw e;
        }
        return settings(root);
    }

    private Settings settings(Section root) {
        Duration lease = root.duration("lease", Settings.SHORTEST_LEASE, Settings.LONGEST_LEASE);
        DatabaseReader reader = new DatabaseReader(root.section("database-defaults"), lease, directory);
        Section named = root.section("databases");
        Map<String, DatabaseSettings> databases = new TreeMap<>();
        for (String name : named.keys()) {
            databases.put(name, reader.read(named, name));
        }
        DaemonSettings daemon = new DaemonReader(root, directory).read(databases.keySet());
        Path plugins = plugins(root);
        problems.refuseAny();
        return new Settings(lease, databases, plugins, daemon);
    }

    /** The program's own directory of plugins need not be there. */
    private Path plugins(Section root) {
        Optional<Path> named = root.text("plugins").map(directory::resolve);
        named.filter(path -> !Files.isDirectory(path) || !Files.isReadable(path))
                .ifPresent(path -> root.problem(
                        "plugins", "is " + path + ", which is not a directory that can be read; create it"));
        return named.orElseGet(() -> Path.of(System.getProperty(HOME, "")).resolve("plugins"));
    }
}
