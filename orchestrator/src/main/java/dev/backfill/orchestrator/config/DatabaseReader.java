package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.addresses.DatabaseUrl;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.DatabaseSettings.OwnSchema;
import dev.backfill.orchestrator.config.DatabaseSettings.Session;
import dev.backfill.orchestrator.config.DatabaseSettings.Work;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads what is said of one database, and where nothing is said of it, what is said of all. */
final class DatabaseReader {

    private static final Set<String> KEYS = Set.of(
            "url",
            "user",
            "password",
            "password-file",
            "pooler",
            "owner",
            "monitor",
            "schema",
            "upgrade",
            "max-workers",
            "session",
            "synchronous-commit",
            "all-tables-publication",
            "throttle",
            "standbys",
            "cores");
    private static final Set<String> OWNER = Set.of("url", "user", "password", "password-file");
    private static final Set<String> MONITOR = Set.of("user", "password", "password-file");
    private static final Set<String> SESSION =
            Set.of("time-zone", "search-path", "role", "idle-in-transaction-timeout");
    private static final Pattern NAME = Pattern.compile("[^*?\\s]+");
    private static final Duration SHORTEST_IDLE = Duration.ofMillis(1);
    private static final Duration LONGEST_IDLE = Duration.ofDays(24);

    private static final int MOST_CORES = 10_000;

    private final Section defaults;
    private final Duration lease;
    private final Path directory;

    /** Over the defaults, which are checked even if no database needs them; relative files are in the directory. */
    DatabaseReader(Section defaults, Duration lease, Path directory) {
        this.defaults = defaults;
        this.lease = lease;
        this.directory = directory;
        allow(defaults);
        defaults.text("user");
        password(defaults);
        defaults.section("owner").text("user");
        password(defaults.section("owner"));
        defaults.section("monitor").text("user");
        password(defaults.section("monitor"));
        isPooled(defaults);
        own(defaults, Optional.empty());
        session(defaults);
        work(defaults, false, Optional.empty());
    }

    /** Reads one of the databases. */
    DatabaseSettings read(Section databases, String name) {
        if (!NAME.matcher(name).matches()) {
            databases.problem(name, "is no name for a database: it must not be empty or hold *, ? or white space");
        }
        Section database = databases.section(name);
        allow(database);
        Section all = database.orElse(defaults);
        Login login = login(database, all);
        OwnSchema own = own(all, owner(database, all, login));
        if (login.pooled() && own.upgrade() && all.section("owner").text("url").isEmpty()) {
            database.problem(
                    "owner",
                    "names no url: behind a pooler the own tables are created past it; say where the server itself is,"
                            + " or create them by hand and set upgrade = check");
        }
        return new DatabaseSettings(name, login, own, session(all), work(all, true, monitor(database, all, login)));
    }

    private static void allow(Section database) {
        database.allow(KEYS);
        database.section("session").allow(SESSION);
        database.section("owner").allow(OWNER);
        database.section("monitor").allow(MONITOR);
        ThrottleReader.allow(database.section("throttle"));
    }

    private static boolean isPooled(Section database) {
        return database.isFirst("pooler", "transaction", "none");
    }

    private Login login(Section database, Section all) {
        Optional<String> password = password(database, defaults);
        Optional<String> user = all.text("user");
        boolean pooled = isPooled(all);
        if (!all.has("url")) {
            database.problem("url", "is missing (such as jdbc:postgresql://host:5432/name)");
            return new Login("", user, password, pooled);
        }
        String url = all.requiredText("url");
        try {
            DatabaseUrl parsed = DatabaseUrl.parse(url);
            return new Login(parsed.jdbc(), user.or(parsed::user), password.or(parsed::password), pooled);
        } catch (IllegalArgumentException e) {
            if (!url.isEmpty()) {
                all.problem("url", "is not right: " + e.getMessage());
            }
            return new Login("", user, password, pooled);
        }
    }

    /** Who creates the own tables; empty when that is the user, where the user is. Never behind a pooler. */
    private Optional<Login> owner(Section database, Section all, Login login) {
        Section owner = all.section("owner");
        Optional<String> password = password(database.section("owner"), defaults.section("owner"));
        Optional<String> user = owner.text("user");
        Optional<String> url = owner.text("url");
        if (url.isEmpty() && (login.pooled() || (user.isEmpty() && password.isEmpty()))) {
            return Optional.empty();
        }
        try {
            DatabaseUrl parsed = DatabaseUrl.parse(url.orElse(login.url()));
            Optional<String> name = user.or(parsed::user).or(login::user);
            Optional<String> theUsers = name.equals(login.user()) ? login.password() : Optional.empty();
            return Optional.of(
                    new Login(parsed.jdbc(), name, password.or(parsed::password).or(() -> theUsers)));
        } catch (IllegalArgumentException e) {
            if (url.isPresent()) {
                owner.problem("url", "is not right: " + e.getMessage());
            }
            return Optional.empty();
        }
    }

    /** Who looks at the health of the database, where the user is; empty when that is the user. */
    private Optional<Login> monitor(Section database, Section all, Login login) {
        Optional<String> password = password(database.section("monitor"), defaults.section("monitor"));
        Optional<String> user = all.section("monitor").text("user");
        if (user.isEmpty() && password.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> name = user.or(login::user);
        Optional<String> theUsers = name.equals(login.user()) ? login.password() : Optional.empty();
        return Optional.of(new Login(login.url(), name, password.or(() -> theUsers), login.pooled()));
    }

    /** The password of a section, and where it says nothing, of another. */
    private Optional<String> password(Section section, Section other) {
        return section.has("password") || section.has("password-file") ? password(section) : password(other);
    }

    private Optional<String> password(Section section) {
        Optional<String> password = section.text("password");
        Optional<String> file = section.text("password-file");
        if (password.isPresent() && file.isPresent()) {
            section.problem("password-file", "is given beside a password; leave one of them out");
        }
        return file.isEmpty() ? password : secret(section, "password-file", directory);
    }

    /** The secret in the file that a key names; empty when there is none, and after a problem. */
    static Optional<String> secret(Section section, String key, Path directory) {
        Optional<String> file = section.text(key);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        try {
            String content = Files.readString(directory.resolve(file.get())).strip();
            if (content.isEmpty()) {
                section.problem(key, "names " + file.get() + ", which is empty");
            }
            return Optional.of(content);
        } catch (IOException | IllegalArgumentException e) {
            String what = key.replace("-file", " file");
            section.problem(key, "names " + file.get() + ", a " + what + " that cannot be read");
            return Optional.empty();
        }
    }

    private static OwnSchema own(Section database, Optional<Login> owner) {
        return new OwnSchema(
                database.requiredText("schema"),
                database.isFirst("upgrade", "auto", "check"),
                database.isFirst("all-tables-publication", "allow", "refuse"),
                owner);
    }

    private Session session(Section database) {
        Section session = database.section("session");
        return new Session(
                session.requiredText("time-zone"),
                session.text("search-path"),
                session.text("role"),
                idleTimeout(session),
                database.isFirst("synchronous-commit", "on", "off"));
    }

    private Optional<Duration> idleTimeout(Section session) {
        String key = "idle-in-transaction-timeout";
        if (session.says(key, Set.of("off", "false"))) {
            return Optional.empty();
        }
        return Optional.of(
                session.says(key, Set.of("lease / 3"))
                        ? lease.dividedBy(3)
                        : session.duration(key, SHORTEST_IDLE, LONGEST_IDLE));
    }

    private Work work(Section database, boolean whole, Optional<Login> monitor) {
        int cores = database.says("cores", Set.of("unknown")) ? 0 : database.number("cores", 1, MOST_CORES);
        Section throttle = database.section("throttle");
        List<String> standbys = database.texts("standbys");
        return new Work(
                database.number("max-workers", 1, DatabaseSettings.MOST_WORKERS),
                cores,
                new ThrottleSettings(
                        throttle,
                        standbys,
                        cores,
                        ThrottleReader.policy(throttle, standbys, cores, whole),
                        OutsideReader.read(throttle, directory, whole)),
                monitor);
    }
}
