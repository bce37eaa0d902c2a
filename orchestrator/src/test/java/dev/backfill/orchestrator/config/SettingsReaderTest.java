package dev.backfill.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.DatabaseSettings.OwnSchema;
import dev.backfill.orchestrator.config.DatabaseSettings.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsReaderTest {

    private static final Login LOGIN = new Login("jdbc:postgresql://h/d", Optional.of("me"), Optional.of("pw"));
    private static final Session DEFAULT_SESSION =
            new Session("UTC", Optional.empty(), Optional.empty(), Optional.of(Duration.ofSeconds(5)), false);

    @TempDir
    private Path directory;

    @Test
    void the_defaults_are_those_of_the_reference() {
        assertThat(SettingsReader.forDatabase(LOGIN))
                .isEqualTo(new Settings(
                        Duration.ofSeconds(15),
                        Map.of(
                                "main",
                                new DatabaseSettings(
                                        "main", LOGIN, new OwnSchema("backfill", true, false), DEFAULT_SESSION, 16)),
                        SettingsReader.forDatabase(LOGIN).daemon()));
    }

    @Test
    void every_setting_of_a_database_is_read() throws Exception {
        Path password = Files.writeString(directory.resolve("password"), "from a file\n");
        Settings settings = read("""
                lease = 9s
                databases {
                  a { url = "postgresql://h/a", user = u, password-file = "%s", schema = own, synchronous-commit = on,
                      all-tables-publication = allow,
                      session { time-zone = Europe/Berlin, search-path = "x, y", role = r,
                                idle-in-transaction-timeout = off } }
                  "b.c" { url = "postgresql://x:y@h/b", session { idle-in-transaction-timeout = 7s } }
                }
                """.formatted(password));

        assertThat(settings.databases().get("a"))
                .isEqualTo(new DatabaseSettings(
                        "a",
                        new Login("jdbc:postgresql://h/a", Optional.of("u"), Optional.of("from a file")),
                        new OwnSchema("own", true, true),
                        new Session("Europe/Berlin", Optional.of("x, y"), Optional.of("r"), Optional.empty(), true),
                        16));
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
                """);

        assertThat(problems)
                .anySatisfy(p -> assertThat(p).contains(": 1: unknown key leese"))
                .anySatisfy(p -> assertThat(p).contains(": 2: lease must be at least 1s"))
                .anySatisfy(p ->
                        assertThat(p).contains(": 4: ").contains("unknown key").contains("usr"))
                .anySatisfy(p -> assertThat(p).contains(": 4: ").contains(".url is missing"))
                .anySatisfy(p -> assertThat(p).contains(": 5: ").contains("postgresql://user@host:5432/name"))
                .anySatisfy(p -> assertThat(p).contains("synchronous-commit must be \"on\" or \"off\""))
                .anySatisfy(p -> assertThat(p).contains(": 6: cannot read the password file /no/such/file"))
                .anySatisfy(p -> assertThat(p).contains(": 6: ").contains("session.zone"))
                .anySatisfy(p -> assertThat(p).contains(": 7: ").contains("idle-in-transaction-timeout"))
                .noneSatisfy(p -> assertThat(p).contains("secret"))
                .hasSize(9);
    }

    @Test
    void a_file_that_cannot_be_read_is_a_problem_like_another() throws Exception {
        assertThat(problems("databases { a { url = "))
                .hasSize(1)
                .first()
                .asString()
                .contains("job.conf: ");
        ConfigurationException missing = catchThrowableOfType(
                ConfigurationException.class, () -> SettingsReader.read(directory.resolve("missing.conf")));
        assertThat(missing.problems()).hasSize(1).first().asString().contains("missing.conf");
        assertThat(problems("databases = 3")).isNotEmpty();
        assertThat(problems("databases { a = 3 }")).isNotEmpty();
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

    private List<String> problems(String text) {
        return catchThrowableOfType(ConfigurationException.class, () -> read(text))
                .problems();
    }

    private Settings read(String text) throws Exception {
        return SettingsReader.read(Files.writeString(directory.resolve("job.conf"), text));
    }
}
