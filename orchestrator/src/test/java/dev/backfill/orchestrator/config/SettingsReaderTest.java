package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.access.Caller;
import dev.backfill.orchestrator.access.Role;
import dev.backfill.orchestrator.access.Token;
import dev.backfill.orchestrator.config.DaemonSettings.Admin;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.DatabaseSettings.OwnSchema;
import dev.backfill.orchestrator.config.DatabaseSettings.Session;
import dev.backfill.orchestrator.config.DatabaseSettings.Work;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.Outside;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsReaderTest {

    private static final Login LOGIN = new Login("jdbc:postgresql://h/d", Optional.of("me"), Optional.of("pw"));
    private static final Session DEFAULT_SESSION =
            new Session("UTC", Optional.empty(), Optional.empty(), Optional.of(Duration.ofSeconds(5)), false);
    private static final OwnSchema DEFAULT_SCHEMA = new OwnSchema("backfill", true, false);
    private static final String DATABASES = """
            databases { a.url = "postgresql://h/a", b.url = "postgresql://h/b" }
            """;

    private static final String TOKEN = "tokens.anna { role = operator, sha256 = \"" + Token.sha256("a") + "\" }";

    @TempDir
    private Path directory;

    @Test
    void the_defaults_are_those_of_the_reference() {
        assertThat(SettingsReader.forDatabase(LOGIN))
                .isEqualTo(new Settings(
                        Duration.ofSeconds(15),
                        Map.of("main", new DatabaseSettings("main", LOGIN, DEFAULT_SCHEMA, DEFAULT_SESSION, work(16))),
                        Path.of("plugins"),
                        new DaemonSettings(
                                Optional.empty(),
                                Optional.empty(),
                                16,
                                Optional.of("main"),
                                new Admin("127.0.0.1", 8642, List.of(), Admission.EVERYBODY, Optional.empty()))));
    }

    private static Work work(int workers) {
        Policy policy = new Policy(
                new ReplicationLimits(
                        EnumSet.allOf(Watched.class), Duration.ofSeconds(5), Duration.ofSeconds(30), List.of()),
                Map.of(
                        "lock-waits", new Level(OptionalDouble.empty(), OptionalDouble.of(0.5), 0.5),
                        "lock-storm", new Level(OptionalDouble.empty(), OptionalDouble.of(20), 20),
                        "foreground", new Level(OptionalDouble.of(2), OptionalDouble.empty(), Double.MAX_VALUE),
                        "archive-backlog", new Level(OptionalDouble.of(16), OptionalDouble.of(64), 8)));
        Section nothing = Section.root(ConfigFactory.empty().root(), new Problems());
        return new Work(
                workers,
                0,
                new ThrottleSettings(nothing, List.of(), 0, policy, new Outside(List.of(), Set.of())),
                Optional.empty());
    }

    @Test
    void what_is_watched_of_the_standbys_is_read() throws Exception {
        Settings settings = read("""
                database-defaults { throttle.standby-stale.limit = 1m }
                databases {
                  a { url = "postgresql://h/a", throttle { replication-lag.budget = 2s, standby-missing = off } }
                  b { url = "postgresql://h/b", standbys = [one, two]
                      throttle { replication-drain = off, replication-lag = off, standby-stale = off } }
                }
                """);

        assertThat(requireNonNull(settings.databases().get("a"))
                        .work()
                        .throttle()
                        .policy()
                        .standbys())
                .isEqualTo(new ReplicationLimits(
                        EnumSet.complementOf(EnumSet.of(Watched.MISSING)),
                        Duration.ofSeconds(2),
                        Duration.ofMinutes(1),
                        List.of()));
        assertThat(requireNonNull(settings.databases().get("b"))
                        .work()
                        .throttle()
                        .policy()
                        .standbys())
                .extracting(ReplicationLimits::on, ReplicationLimits::expected)
                .containsExactly(EnumSet.of(Watched.MISSING), List.of("one", "two"));
    }

    @Test
    void every_setting_of_a_database_is_read() throws Exception {
        Path password = Files.writeString(directory.resolve("password"), "from a file\n");
        Settings settings = read("""
                lease = 9s
                databases {
                  a { url = "postgresql://h/a", user = u, password-file = "%s", schema = own, synchronous-commit = on,
                      all-tables-publication = allow, upgrade = check, max-workers = 3,
                      session { time-zone = Europe/Berlin, search-path = "x, y", role = r,
                                idle-in-transaction-timeout = off } }
                  "b.c" { url = "postgresql://x:y@h/b", session { idle-in-transaction-timeout = 7s } }
                }
                """.formatted(password));

        assertThat(settings.lease()).isEqualTo(Duration.ofSeconds(9));
        assertThat(settings.databases().get("a"))
                .isEqualTo(new DatabaseSettings(
                        "a",
                        new Login("jdbc:postgresql://h/a", Optional.of("u"), Optional.of("from a file")),
                        new OwnSchema("own", false, true),
                        new Session("Europe/Berlin", Optional.of("x, y"), Optional.of("r"), Optional.empty(), true),
                        work(3)));
        assertThat(settings.databases().get("b.c"))
                .extracting(DatabaseSettings::login, d -> d.session().idleInTransactionTimeout())
                .containsExactly(
                        new Login("jdbc:postgresql://h/b", Optional.of("x"), Optional.of("y")),
                        Optional.of(Duration.ofSeconds(7)));
        assertThat(SettingsReader.forDatabase(LOGIN).databases().values())
                .extracting(d -> d.session().idleInTransactionTimeout())
                .as("a third of the lease")
                .containsExactly(Optional.of(Duration.ofSeconds(5)));
    }

    @Test
    void who_looks_at_the_health_may_be_somebody_else() throws Exception {
        Files.writeString(directory.resolve("monitor"), "theirs");
        Settings settings = read("""
                database-defaults { user = u, password = ours, monitor { user = m, password-file = monitor } }
                databases {
                  a { url = "postgresql://h/a", pooler = transaction, owner.url = "postgresql://h/a" }
                  b { url = "postgresql://h/b", monitor { user = o, password = other } }
                  c { url = "postgresql://m:mine@h/c", user = m, monitor.password-file = "" }
                }
                """);

        assertThat(monitor(settings, "a"))
                .contains(new Login("jdbc:postgresql://h/a", Optional.of("m"), Optional.of("theirs"), true));
        assertThat(monitor(settings, "b"))
                .contains(new Login("jdbc:postgresql://h/b", Optional.of("o"), Optional.of("other")));
        assertThat(monitor(settings, "c"))
                .contains(new Login("jdbc:postgresql://h/c", Optional.of("m"), Optional.of("ours")));
        assertThat(monitor(read(DATABASES), "a")).isEmpty();
        assertThat(problems("databases.a { url = \"postgresql://h/a\", monitor { url = x, password-file = nowhere } }"))
                .hasSize(2)
                .anySatisfy(problem -> assertThat(problem).contains("unknown key databases.a.monitor.url"))
                .anySatisfy(problem -> assertThat(problem).contains("monitor.password-file names nowhere"));
    }

    private static Optional<Login> monitor(Settings settings, String database) {
        return requireNonNull(settings.databases().get(database)).work().monitor();
    }

    @Test
    void what_a_database_does_not_say_the_defaults_say() throws Exception {
        Files.writeString(directory.resolve("shared"), "shared");
        Settings settings = read("""
                database-defaults { user = all, password-file = shared, schema = ours, session.role = r }
                databases {
                  a.url = "postgresql://h/a"
                  b { url = "postgresql://h/b", user = b, password = 007, session.time-zone = Asia/Tokyo, schema = b }
                  c { url = "postgresql://h/c", user = null, password = "" }
                }
                """);

        assertThat(settings.databases().get("a"))
                .isEqualTo(new DatabaseSettings(
                        "a",
                        new Login("jdbc:postgresql://h/a", Optional.of("all"), Optional.of("shared")),
                        new OwnSchema("ours", true, false),
                        session("UTC"),
                        work(16)));
        assertThat(settings.databases().get("b"))
                .isEqualTo(new DatabaseSettings(
                        "b",
                        new Login("jdbc:postgresql://h/b", Optional.of("b"), Optional.of("007")),
                        new OwnSchema("b", true, false),
                        session("Asia/Tokyo"),
                        work(16)));
        assertThat(settings.databases().get("c"))
                .extracting(DatabaseSettings::login)
                .isEqualTo(new Login("jdbc:postgresql://h/c", Optional.empty(), Optional.empty()));
    }

    @Test
    void every_setting_of_the_daemon_is_read() throws Exception {
        Files.createDirectory(directory.resolve("jobs"));
        DaemonSettings daemon = read(DATABASES + """
                        jobs = jobs
                        stop-file = ./STOP
                        workers = "64"
                        scheduler.database = b
                        admin { host = "::1", port = 0, allowed-hosts = [Backfill.example, "[fd00::1]"] }
                        """).daemon();

        assertThat(daemon)
                .isEqualTo(new DaemonSettings(
                        Optional.of(directory.resolve("jobs")),
                        Optional.of(directory.resolve("./STOP")),
                        64,
                        Optional.of("b"),
                        new Admin(
                                "::1",
                                0,
                                List.of("backfill.example", "[fd00::1]"),
                                Admission.EVERYBODY,
                                Optional.empty())));
        assertThat(read(DATABASES + "jobs = " + directory.resolve("jobs"))
                        .daemon()
                        .jobs())
                .as("an absolute path stays")
                .contains(directory.resolve("jobs"));
        assertThat(read(DATABASES).daemon().scheduler()).as("the first by name").contains("a");
    }

    @Test
    void a_configuration_may_have_no_database() throws Exception {
        Settings settings = read("lease = 5s");

        assertThat(settings.databases()).isEmpty();
        assertThat(settings.daemon().scheduler()).isEmpty();
    }

    @Test
    void the_environment_stands_for_any_value_that_names_it() throws Exception {
        String path = System.getenv("PATH");
        Settings settings = read("""
                workers = ${?BACKFILL_NO_SUCH_VARIABLE}
                databases.a { url = "postgresql://h/d", user = ${?PATH}, schema = ${?BACKFILL_NO_SUCH_VARIABLE} }
                """);

        assertThat(settings.daemon().workers()).isEqualTo(16);
        assertThat(settings.databases().get("a"))
                .extracting(d -> d.login().user(), d -> d.own().schema())
                .containsExactly(Optional.of(path), "backfill");
    }

    @Test
    void every_problem_is_reported_at_once_with_its_line() throws Exception {
        List<String> problems = problems("""
                leese = 3s
                lease = 10ms
                databases {
                  a { usr = x }
                  b { url = "mysql://me:secret@h/d", synchronous-commit = sometimes }
                  c { url = "postgresql://h/d", password-file = /no/such/file, session { zone = UTC } }
                  d { url = "postgresql://h/d", session { idle-in-transaction-timeout = soon } }
                }
                jobs = /no/such/directory
                workers = 0
                scheduler { database = e, name = x }
                admin { host = 0.0.0.0, prot = 1 }
                """);

        assertThat(problems)
                .extracting(p -> p.substring(p.indexOf("job.conf: ") + 10))
                .containsExactly(
                        "1: unknown key leese (did you mean lease?)",
                        "2: lease must be a duration from 1s to 1d, with its unit, not 10ms",
                        "4: unknown key databases.a.usr (did you mean user?)",
                        "4: databases.a.url is missing (such as jdbc:postgresql://host:5432/name)",
                        "5: databases.b.url is not right: a database URL begins with jdbc:postgresql:// or"
                                + " postgresql://, such as postgresql://user@host:5432/name",
                        "5: databases.b.synchronous-commit must be \"on\" or \"off\", not sometimes",
                        "6: unknown key databases.c.session.zone",
                        "6: databases.c.password-file names /no/such/file, a password file that cannot be read",
                        "7: databases.d.session.idle-in-transaction-timeout must be a duration from 1ms to 24d, with its"
                                + " unit, not soon",
                        "9: jobs is /no/such/directory, which is not a directory that can be read; create it, or let the"
                                + " daemon's user read it",
                        "10: workers must be a whole number from 1 to 1000, not 0",
                        "11: unknown key scheduler.name",
                        "11: scheduler.database is e, which is not one of the databases: there are a, b, c, d",
                        "12: unknown key admin.prot (did you mean port?)",
                        "12: admin.host is 0.0.0.0, which others can reach, and there are no tokens: make one with"
                                + " `backfill token` and add it to admin.tokens, or use 127.0.0.1 and a tunnel");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "lease = true | lease must be a duration from 1s to 1d, with its unit, not true",
                "lease = 15 | lease must be a duration from 1s to 1d, with its unit, not 15",
                "lease = 2d | lease must be a duration from 1s to 1d, with its unit, not 2d",
                "lease = 99999999999999999999d | lease must be a duration",
                "lease = [1s] | lease must be a duration from 1s to 1d, with its unit, not a list",
                "lease = null | lease must be a duration from 1s to 1d, with its unit, not null",
                "lease = \"\" | lease must be a duration from 1s to 1d, with its unit, not empty",
                "lease = ${NO_SUCH_NAME} | lease has a ${NAME} that stands for nothing",
                "databases = 5 | databases must be settings in braces, not a number",
                "databases = [] | databases must be settings in braces, not a list",
                "databases = ${NO_SUCH_NAME} | databases has a ${NAME} that stands for nothing",
                "databases { a = \"postgresql://u:secret@h/d\" } | databases.a must be settings in braces, not text",
                "databases { a = ${NO_SUCH_NAME} } | databases.a has a ${NAME} that stands for nothing",
                "databases.a.url = [x] | databases.a.url must be text, not a list",
                "databases.a.url = \"\" | databases.a.url must not be empty",
                "databases.a.url = ${NO_SUCH_NAME} | databases.a.url has a ${NAME} that stands for nothing",
                "databases.\"shard-*\".url = \"postgresql://h/d\" | databases.\"shard-*\" is no name for a database",
                "database-defaults = on | database-defaults must be settings in braces, not text",
                "database-defaults.schmea = x | unknown key database-defaults.schmea (did you mean schema?)",
                "database-defaults.schema = \"\" | database-defaults.schema must not be empty",
                "database-defaults.schema = null | database-defaults.schema must be text, not null",
                "database-defaults.upgrade = on | database-defaults.upgrade must be \"auto\" or \"check\", not on",
                "database-defaults.all-tables-publication = false | must be \"allow\" or \"refuse\", not false",
                "database-defaults.max-workers = 1001 | must be a whole number from 1 to 1000, not 1001",
                "database-defaults.session = true | database-defaults.session must be settings in braces, not true or",
                "database-defaults.session.time-zone = \"\" | session.time-zone must not be empty",
                "database-defaults.session.idle-in-transaction-timeout = 0s | must be a duration from 1ms to 24d",
                "database-defaults.session.idle-in-transaction-timeout = {} | 24d, with its unit, not settings in braces",
                "database-defaults.session.rolle = x | session.rolle (did you mean role?)",
                "database-defaults { password = [secret] } | database-defaults.password must be text, not a list",
                "jobs = {} | jobs must be text, not settings in braces",
                "jobs = job.conf | which is not a directory that can be read",
                "jobs = \"a\\u0000b\" | jobs is no path",
                "stop-file = . | which is a directory; name a file in it",
                "stop-file = missing/STOP | and there is no directory",
                "workers = 1.5 | workers must be a whole number from 1 to 1000, not 1.5",
                "workers = 99999999999 | workers must be a whole number from 1 to 1000, not 99999999999",
                "workers = x | workers must be a whole number from 1 to 1000, not x",
                "workers = \"\" | workers must be a whole number from 1 to 1000, not empty",
                "workers = 1001 | workers must be a whole number from 1 to 1000, not 1001",
                "scheduler = main | scheduler must be settings in braces, not text",
                "scheduler.database = main | is main, which is not one of the databases: there are none",
                "admin = 5 | admin must be settings in braces, not a number",
                "admin = null | admin must be settings in braces, not null",
                "admin.port = x | admin.port must be a whole number from 0 to 65535, not x",
                "admin.port = 65536 | admin.port must be a whole number from 0 to 65535, not 65536",
                "admin.port = -1 | admin.port must be a whole number from 0 to 65535, not -1",
                "admin.host = \"\" | admin.host must not be empty",
                "admin.allowed-hosts = x | admin.allowed-hosts must be a list in brackets, not text",
                "admin.allowed-hosts = [{}] | an element of admin.allowed-hosts must be text, not settings in braces",
                "admin.allowed-hosts = [${NO_SUCH_NAME}] | admin.allowed-hosts has a ${NAME} that stands for nothing",
                "admin.allowed-hosts = [\"https://x/\"] | admin.allowed-hosts holds \"https://x/\": write names only",
                "\"admin.port\" = 5 | unknown key \"admin.port\"",
                "admin.tsl = x | unknown key admin.tsl (did you mean tls?)",
            })
    void a_value_that_does_not_fit_is_one_problem_with_its_line(String text, String problem) throws Exception {
        assertThat(problems("\n" + text + "\n"))
                .singleElement()
                .asString()
                .contains("job.conf: 2: ")
                .contains(problem)
                .doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.255.0.9", "localhost", "::1", "0:0:0:0:0:0:0:1"})
    void the_admin_api_listens_on_the_loopback_interface(String host) throws Exception {
        assertThat(read("admin.host = \"" + host + "\"").daemon().admin().host())
                .isEqualTo(host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "::",
                "10.0.0.1",
                "128.0.0.1",
                "127.0.0.256",
                "127.1",
                "127.0.0.01",
                "fe80::1",
                "1::",
                ":::",
                "localhost.example",
                "localhost4",
                "ip6-localhost",
                "127.0.0.1.example",
                "*",
                "[::1]",
                "::1%lo",
                "a:b"
            })
    void others_are_not_let_in_without_tokens(String host) throws Exception {
        assertThat(problems("admin.host = \"" + host + "\""))
                .singleElement()
                .asString()
                .contains("job.conf: 1: admin.host is " + host + ", which ");
    }

    @ParameterizedTest
    @CsvSource({
        "0.0.0.0, true",
        "::, true",
        "fd00::5, true",
        "backfill.example, true",
        "*, false",
        ":::, false",
        "[::1], false",
        "::1%lo, false",
        "a:b, false"
    })
    void with_tokens_any_address_may_be_listened_on(String host, boolean fits) throws Exception {
        String text = "admin { host = \"" + host + "\", " + TOKEN + " }";
        if (fits) {
            Admission admission = read(text).daemon().admin().admission();
            assertThat(admission.anonymous()).isEmpty();
            assertThat(admission.openProbes()).isFalse();
        } else {
            assertThat(problems(text)).singleElement().asString().contains("neither an address nor a name of one");
        }
    }

    @Test
    void tokens_have_owners_and_roles() throws Exception {
        Admission admission = read("admin { " + TOKEN + ", tokens.\"b@shop.example\" { role = viewer, sha256 = \""
                        + Token.sha256("b").toUpperCase(Locale.ROOT) + "\" } }")
                .daemon()
                .admin()
                .admission();

        assertThat(admission.tokens().owner("a")).contains(new Caller("anna", Role.OPERATOR));
        assertThat(admission.tokens().owner("b")).contains(new Caller("b@shop.example", Role.VIEWER));
        assertThat(admission.tokens().owner("A")).isEmpty();
        assertThat(admission.anonymous()).as("nobody else any more").isEmpty();
        assertThat(admission.openProbes()).as("on the loopback interface").isTrue();
        assertThat(admission.toString()).contains("anna").doesNotContain(Token.sha256("a"));
    }

    @ParameterizedTest
    @CsvSource({"none, ''", "viewer, VIEWER", "operator, OPERATOR", "admin, ADMIN"})
    void who_has_no_token_may_what_the_settings_say(String word, String role) throws Exception {
        Optional<Role> expected = role.isEmpty() ? Optional.empty() : Optional.of(Role.valueOf(role));
        for (String tokens : List.of("", ", " + TOKEN)) {
            assertThat(read("admin { anonymous = " + word + tokens + " }")
                            .daemon()
                            .admin()
                            .admission()
                            .anonymous())
                    .isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "admin.tokens = [] | admin.tokens must be settings in braces, not a list",
                "admin.tokens.a = secret | admin.tokens.a must be settings in braces, not text",
                "admin.tokens.a.role = admin | admin.tokens.a.sha256 must be the 64 hexadecimal digits",
                "admin.tokens.a { role = root, sha256 = ${hash} } | admin.tokens.a.role must be viewer, operator or admin,"
                        + " not root",
                "admin.tokens.a { sha256 = ${hash} } | admin.tokens.a.role must be viewer, operator or admin",
                "admin.tokens.a { role = admin, sha256 = secret } | admin.tokens.a.sha256 must be the 64 hexadecimal digits",
                "admin.tokens.a { role = admin, sha256 = ${hash}, token = secret } | unknown key admin.tokens.a.token",
                "admin.tokens.\"a b\" { role = admin, sha256 = ${hash} } | is no name for a token",
                "admin.tokens { a { role = admin, sha256 = ${hash} }, b { role = admin, sha256 = ${hash} } } |"
                        + " is the same as that of a: a token has one owner",
                "admin.anonymous = root | admin.anonymous must be \"admin without tokens\", none, viewer, operator or admin,"
                        + " not root",
                "metrics.public = maybe | metrics.public must be \"on\" or \"off\", not maybe",
                "metrics.open = on | unknown key metrics.open",
                "admin.tls.key = key | admin.tls.certificate must be there too: TLS needs both files",
                "admin.tls.certificate = cert | admin.tls.key must be there too: TLS needs both files",
                "admin.tls { certificate = cert, key = key } | cert is not there"
            })
    void problems_of_who_is_let_in_are_said(String text, String problem) throws Exception {
        assertThat(problems(text.replace("${hash}", '"' + Token.sha256("a") + '"')))
                .singleElement()
                .asString()
                .contains(problem)
                .doesNotContain("secret");
    }

    @Test
    void where_others_come_anonymous_may_look_at_most() throws Exception {
        String open = "admin { host = \"0.0.0.0\", " + TOKEN + ", anonymous = %s }";
        assertThat(problems(open.formatted("operator")))
                .singleElement()
                .asString()
                .contains("admin.anonymous must be none or viewer where others than this machine can reach admin.host");
        assertThat(read(open.formatted("viewer")).daemon().admin().admission().anonymous())
                .contains(Role.VIEWER);
        assertThat(read(open.formatted("viewer") + "\nmetrics.public = true")
                        .daemon()
                        .admin()
                        .admission()
                        .openProbes())
                .isTrue();
    }

    @Test
    void a_problem_of_the_defaults_is_said_once() throws Exception {
        assertThat(problems(DATABASES + "database-defaults { max-workers = 0, password-file = missing }"))
                .hasSize(2)
                .allSatisfy(p -> assertThat(p).contains(": 2: database-defaults."));
    }

    @Test
    void a_password_beside_a_password_file_is_a_problem() throws Exception {
        Files.writeString(directory.resolve("empty"), "\n");

        assertThat(problems("databases.a { url = \"postgresql://h/d\", password = x, password-file = empty }"))
                .hasSize(2)
                .anySatisfy(p -> assertThat(p).contains("is given beside a password"))
                .anySatisfy(p -> assertThat(p).contains("names empty, which is empty"));
    }

    @Test
    void a_file_that_cannot_be_read_is_a_problem_like_another() {
        assertThat(problems("\ndatabases { a { url = "))
                .singleElement()
                .asString()
                .contains("job.conf: 2: ");
        ConfigurationException missing = catchThrowableOfType(
                ConfigurationException.class, () -> SettingsReader.read(directory.resolve("missing.conf")));
        assertThat(missing.problems()).singleElement().asString().contains("missing.conf");
        ConfigurationException directoryInstead =
                catchThrowableOfType(ConfigurationException.class, () -> SettingsReader.read(directory));
        assertThat(directoryInstead.problems()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[1, 2]",
                "- job: secret",
                "password secret",
                "databases { a { password = se$cret } }",
                "databases { a { password = secret { x = 1 } } }",
                "databases { a { password = \"secret } }"
            })
    void what_is_no_hocon_is_one_problem_that_does_not_quote_the_file(String text) {
        assertThat(problems("\n" + text))
                .singleElement()
                .asString()
                .contains("job.conf: ")
                .doesNotContain("secret")
                .doesNotContain("\n");
    }

    @Test
    void no_password_is_printed() throws Exception {
        Settings settings = read("""
                databases {
                  a { url = "postgresql://u:secret@h/d", user = v, password = secret }
                  b { url = "postgresql://u:secret@h/d?sslpassword=secret" }
                }
                """);

        assertThat(settings.toString()).contains("v at jdbc:postgresql://h/d").doesNotContain("secret");
        assertThat(settings.databases().get("b"))
                .extracting(d -> d.login().url())
                .as("the driver gets it")
                .isEqualTo("jdbc:postgresql://h/d?sslpassword=secret");
    }

    @Test
    void every_key_of_the_reference_has_a_comment() {
        Config reference = ConfigFactory.parseResources("reference.conf");
        List<String> silent = new ArrayList<>();
        gather("", reference.root(), silent);

        assertThat(silent).isEmpty();
    }

    private static void gather(String path, ConfigObject object, List<String> silent) {
        object.forEach((key, value) -> {
            boolean group = value instanceof ConfigObject inner && !inner.isEmpty();
            if (!group && comments(value).isBlank()) {
                silent.add(path + key);
            }
            if (value instanceof ConfigObject inner) {
                gather(path + key + ".", inner, silent);
            }
        });
    }

    private static String comments(ConfigValue value) {
        return String.join("", value.origin().comments());
    }

    private static Session session(String timeZone) {
        return new Session(timeZone, Optional.empty(), Optional.of("r"), Optional.of(Duration.ofSeconds(5)), false);
    }

    private List<String> problems(String text) {
        return catchThrowableOfType(ConfigurationException.class, () -> read(text))
                .problems();
    }

    private Settings read(String text) throws Exception {
        return SettingsReader.read(Files.writeString(directory.resolve("job.conf"), text));
    }
}
