package dev.backfill.orchestrator.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigUtil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Reads the configuration: a file over the defaults, system properties over both. */
public final class SettingsReader {

    private static final Set<String> TOP = Set.of("lease", "databases", "database-defaults");
    private static final Set<String> DATABASE = Set.of(
            "url",
            "user",
            "password",
            "password-file",
            "schema",
            "session",
            "synchronous-commit",
            "all-tables-publication");
    private static final Set<String> SESSION =
            Set.of("time-zone", "search-path", "role", "idle-in-transaction-timeout");

    private final Config config;
    private final List<String> problems = new ArrayList<>();

    private SettingsReader(Config config) {
        this.config = config;
    }

    /**
     * Reads a configuration file.
     *
     * @param file HOCON
     * @return the settings
     * @throws ConfigurationException with every problem, when there is one
     */
    public static Settings read(Path file) {
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw new ConfigurationException(List.of(file + ": no such file, or it cannot be read"));
        }
        Config own;
        try {
            own = ConfigFactory.parseFile(
                    file.toFile(), ConfigParseOptions.defaults().setAllowMissing(false));
            SettingsReader reader = new SettingsReader(layered(own));
            reader.unknownKeys(own.root().keySet(), TOP, "");
            return reader.settings();
        } catch (ConfigException e) {
            throw new ConfigurationException(List.of(message(e)));
        }
    }

    /**
     * The settings without a file, for one database named by its URL.
     *
     * @param login where the database is
     * @return the defaults with one database, {@code main}
     * @throws ConfigurationException when an override does not fit
     */
    public static Settings forDatabase(DatabaseSettings.Login login) {
        Config own = ConfigFactory.parseMap(Map.of("databases.main.url", login.url()), "--database");
        Settings settings;
        try {
            settings = new SettingsReader(layered(own)).settings();
        } catch (ConfigException e) {
            throw new ConfigurationException(List.of(message(e)));
        }
        Map<String, DatabaseSettings> databases = new TreeMap<>(settings.databases());
        databases.computeIfPresent(
                "main", (name, d) -> new DatabaseSettings(name, login, d.own(), d.session(), d.maxWorkers()));
        return new Settings(settings.lease(), databases, settings.daemon());
    }

    private static Config layered(Config own) {
        return ConfigFactory.defaultOverrides()
                .withFallback(own)
                .withFallback(ConfigFactory.defaultReference())
                .resolve();
    }

    private Settings settings() {
        Duration lease = read(() -> config.getDuration("lease"), Settings.SHORTEST_LEASE);
        if (lease.compareTo(Settings.SHORTEST_LEASE) < 0) {
            problems.add(place("lease") + "lease must be at least 1s");
            lease = Settings.SHORTEST_LEASE;
        }
        Map<String, DatabaseSettings> databases = new TreeMap<>();
        for (String name : config.getObject("databases").keySet()) {
            databases.put(name, database(name, lease));
        }
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems);
        }
        DaemonSettings.Admin admin = new DaemonSettings.Admin("127.0.0.1", 8642, List.of());
        return new Settings(
                lease,
                databases,
                new DaemonSettings(
                        Optional.empty(),
                        Optional.empty(),
                        16,
                        databases.keySet().stream().findFirst(),
                        admin));
    }

    private DatabaseSettings database(String name, Duration lease) {
        String path = "databases." + ConfigUtil.quoteString(name);
        Config own = config.getConfig(path);
        unknownKeys(own.root().keySet(), DATABASE, path + ".");
        if (own.hasPath("session")) {
            unknownKeys(own.getConfig("session").root().keySet(), SESSION, path + ".session.");
        }
        Config database = own.withFallback(config.getConfig("database-defaults"));
        return new DatabaseSettings(
                name,
                login(path, database),
                new DatabaseSettings.OwnSchema(
                        read(() -> database.getString("schema"), "backfill"),
                        true,
                        oneOf(path, database, "all-tables-publication", "allow", "refuse")),
                session(path, database, lease),
                16);
    }

    private DatabaseSettings.Login login(String path, Config database) {
        if (!database.hasPath("url")) {
            problems.add(place(path) + path + ".url is missing (such as jdbc:postgresql://host:5432/name)");
            return new DatabaseSettings.Login("", Optional.empty(), Optional.empty());
        }
        try {
            DatabaseUrl url = DatabaseUrl.parse(database.getString("url"));
            return new DatabaseSettings.Login(
                    url.jdbc(),
                    text(database, "user").or(url::user),
                    password(path, database).or(url::password));
        } catch (IllegalArgumentException e) {
            problems.add(place(path + ".url") + path + ".url: " + e.getMessage());
            return new DatabaseSettings.Login("", Optional.empty(), Optional.empty());
        }
    }

    private Optional<String> password(String path, Config database) {
        Optional<String> file = text(database, "password-file");
        if (file.isEmpty()) {
            return text(database, "password");
        }
        try {
            return Optional.of(Files.readString(Path.of(file.get())).strip());
        } catch (IOException e) {
            problems.add(place(path + ".password-file") + "cannot read the password file " + file.get());
            return Optional.empty();
        }
    }

    private DatabaseSettings.Session session(String path, Config database, Duration lease) {
        Config session = database.getConfig("session");
        return new DatabaseSettings.Session(
                session.getString("time-zone"),
                text(session, "search-path"),
                text(session, "role"),
                idleTimeout(session, lease),
                oneOf(path, database, "synchronous-commit", "on", "off"));
    }

    private Optional<Duration> idleTimeout(Config session, Duration lease) {
        String key = "idle-in-transaction-timeout";
        return switch (session.getString(key)) {
            case "off", "false" -> Optional.empty();
            case "lease / 3" -> Optional.of(lease.dividedBy(3));
            default -> Optional.of(read(() -> session.getDuration(key), lease));
        };
    }

    private boolean oneOf(String path, Config config, String key, String yes, String no) {
        String value = config.getString(key);
        if (value.equals(yes) || (yes.equals("on") && value.equals("true"))) {
            return true;
        }
        if (!value.equals(no) && !value.equals("false")) {
            problems.add("%s%s.%s must be \"%s\" or \"%s\", not \"%s\""
                    .formatted(place(path + "." + key), path, key, yes, no, value));
        }
        return false;
    }

    private void unknownKeys(Set<String> keys, Set<String> known, String path) {
        for (String key : keys) {
            if (!known.contains(key)) {
                problems.add(place(path + ConfigUtil.quoteString(key)) + "unknown key " + path + key);
            }
        }
    }

    private <T> T read(java.util.function.Supplier<T> value, T otherwise) {
        try {
            return value.get();
        } catch (ConfigException e) {
            problems.add(message(e));
            return otherwise;
        }
    }

    private String place(String path) {
        return config.hasPath(path) ? config.getValue(path).origin().description() + ": " : "";
    }

    private static Optional<String> text(Config config, String key) {
        return config.hasPath(key) ? Optional.of(config.getString(key)).filter(t -> !t.isEmpty()) : Optional.empty();
    }

    private static String message(ConfigException e) {
        return String.valueOf(e.getMessage());
    }
}
