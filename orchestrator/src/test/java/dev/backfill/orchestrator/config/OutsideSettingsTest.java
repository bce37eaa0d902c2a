package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.OutsideSignal;
import dev.backfill.orchestrator.policy.OutsideSignal.Http;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import dev.backfill.orchestrator.policy.OutsideSignal.Sql;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals that a configuration defines by names. */
class OutsideSettingsTest {

    private static final String TWO = """
            database-defaults.throttle {
              sql.queue { query = "SELECT count(*) FROM q", slow = 1000, hold = 5000, resume = 800 }
              http.gate { url = "http://gate.example/may-i" }
            }
            databases {
              a { url = "postgresql://h/a" }
              b { url = "postgresql://h/b", throttle { sql.queue.hold = 2000, http.gate = off } }
            }
            """;

    @TempDir
    private Path directory;

    @Test
    void each_kind_is_read_with_its_defaults() throws Exception {
        Files.writeString(directory.resolve("token"), "abc.def\n");
        ThrottleSettings settings = of(read("""
                databases.a {
                  url = "postgresql://h/a"
                  throttle {
                    sql.queue-depth { query = "SELECT 1;", every = 5s, stale-after = 30s, slow = 1000, hold = 5000 }
                    prometheus.cpu-2 { url = "https://p.example:9090/x", query = "max(a{b=\\"c\\"})", hold = 0.5
                                       token-file = token, every = 20s }
                    http.gate { url = "http://gate.example/may-i?a=b", every = 1s }
                    link-local = ["169.254.169.254", "fe80::1"]
                  }
                }
                """), "a");

        assertThat(settings.outside().signals())
                .containsExactly(
                        new OutsideSignal(
                                "cpu-2",
                                new Prometheus(
                                        URI.create("https://p.example:9090/x"),
                                        "max(a{b=\"c\"})",
                                        Optional.of("abc.def")),
                                Duration.ofSeconds(20),
                                Duration.ofMinutes(1)),
                        new OutsideSignal(
                                "gate",
                                new Http(URI.create("http://gate.example/may-i?a=b"), Optional.empty()),
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(10)),
                        new OutsideSignal(
                                "queue-depth", new Sql("SELECT 1;"), Duration.ofSeconds(5), Duration.ofSeconds(30)));
        assertThat(settings.outside().linkLocal())
                .containsExactlyInAnyOrder(LinkLocal.literal("169.254.169.254"), LinkLocal.literal("fe80::1"));
        assertThat(settings.policy().levels())
                .containsEntry("queue-depth", new Level(OptionalDouble.of(1000), OptionalDouble.of(5000), 4000))
                .containsEntry("cpu-2", new Level(OptionalDouble.empty(), OptionalDouble.of(0.5), 0.4))
                .containsEntry("gate", new Level(OptionalDouble.empty(), OptionalDouble.empty(), Double.MAX_VALUE));
        assertThat(settings.outside().toString()).doesNotContain("abc.def");
    }

    @Test
    void a_database_changes_what_the_defaults_define_and_turns_it_off() throws Exception {
        Settings settings = read(TWO);

        assertThat(of(settings, "a").policy().levels()).containsKeys("queue", "gate");
        assertThat(of(settings, "b").policy().levels())
                .containsEntry("queue", new Level(OptionalDouble.of(1000), OptionalDouble.of(2000), 800))
                .doesNotContainKey("gate");
        assertThat(of(settings, "b").outside().signals())
                .as("a job may turn it on")
                .extracting(OutsideSignal::word)
                .containsExactly("gate", "queue");
    }

    @Test
    void a_job_changes_numbers_and_turns_on_and_off() throws Exception {
        Settings settings = read(TWO);

        assertThat(with(settings, "a", Map.of("queue", limits(Map.of("hold", "500"))))
                        .policy()
                        .levels())
                .containsEntry("queue", new Level(OptionalDouble.of(100), OptionalDouble.of(500), 80));
        assertThat(with(settings, "a", Map.of("queue", new SignalRule(false, Map.of())))
                        .policy()
                        .levels())
                .doesNotContainKey("queue")
                .containsKeys("gate", "lock-storm");
        assertThat(with(settings, "b", Map.of("gate", new SignalRule(true, Map.of())))
                        .policy()
                        .levels())
                .containsKeys("gate", "queue");
    }

    @Test
    void a_job_says_nothing_else() throws Exception {
        Settings settings = read(TWO);

        assertThat(with(settings, "a", Map.of("queu", new SignalRule(false, Map.of())))
                        .problems())
                .isEqualTo(Map.of("queu", List.of("unknown key queu (did you mean queue?)")));
        assertThat(with(settings, "a", Map.of("queue", limits(Map.of("query", "SELECT 1"))))
                        .problems())
                .containsOnlyKeys("queue");
        assertThat(with(settings, "a", Map.of("queue", limits(Map.of("hold", "many"))))
                        .problems())
                .isEqualTo(Map.of("queue", List.of("queue.hold must be a number, not many")));
        assertThat(with(settings, "a", Map.of("gate", limits(Map.of("hold", "5"))))
                        .problems())
                .containsOnlyKeys("gate");
        for (String key : List.of("sql", "prometheus", "http", "link-local", "limits")) {
            assertThat(with(settings, "a", Map.of(key, limits(Map.of("hold", "5"))))
                            .problems())
                    .containsOnlyKeys(key);
        }
    }

    @Test
    void everything_that_is_wrong_is_said_at_once() throws Exception {
        Files.writeString(directory.resolve("two-words"), "one SECRET");
        Files.writeString(directory.resolve("empty"), "");
        ConfigurationException refusal = catchThrowableOfType(ConfigurationException.class, () -> read("""
                databases.a { url = "postgresql://h/a", throttle {
                  sql { one { hold = 1 }
                        two { query = "SELECT 1; SELECT 2", hold = 1 }
                        three { query = "SELECT 1" }
                        four { query = "", hold = 1, every = 5s, stale-after = 4s }
                        five { query = "SELECT 1", hold = 1, slow = 2 }
                        six { query = "SELECT 1", hold = -1, every = 1, url = "http://h" }
                        Seven { query = "SELECT 1", hold = 1 }
                        lock-storm { query = "SELECT 1", hold = 1 }
                        window { query = "SELECT 1", hold = 1 }
                        eight = on
                        nine = off
                        both { query = "SELECT 1", hold = 1 } }
                  prometheus {
                        both { url = "http://h", query = q, hold = 1 }
                        a { query = q, hold = 1 }
                        b { url = "ftp://h", query = q, hold = 1 }
                        c { url = "http://me:SECRET@h", query = q, hold = 1 }
                        d { url = "http://h?query=SECRET", query = q, hold = 1 }
                        e { url = "http:///SECRET", query = q, hold = 1 }
                        f { url = "http://h", hold = 1, token-file = nowhere } }
                  http { g { url = "http://h/SECRET SECRET" }
                        h { url = "http://h", hold = 1 }
                        i { url = "http://h", token-file = two-words }
                        j { url = "http://h", token-file = empty }
                        k { url = "http://h/#SECRET" } }
                  link-local = [localhost] } }
                """));
        assertThat(refusal.problems())
                .allSatisfy(problem ->
                        assertThat(problem).contains("orchestrator.conf: ").doesNotContain("SECRET"))
                .extracting(problem -> problem.replaceFirst("^.*throttle\\.", ""))
                .containsExactlyInAnyOrder(
                        "sql.one.query is missing (such as SELECT count(*) FROM public.queue)",
                        "sql.two.query must be one statement",
                        "sql.three.hold is missing: above which number everything holds",
                        "sql.four.query must not be empty",
                        "sql.four.stale-after must not be shorter than every",
                        "sql.five.slow must be below hold",
                        "sql.six.hold must be a number, not -1",
                        "sql.six.every must be a duration from 100ms to 1d, with its unit, not 1",
                        "sql.six.url",
                        "sql.Seven is no name for a signal: it is made of a to z, 0 to 9 and -",
                        "sql.lock-storm is a word that means something else; call the signal otherwise",
                        "sql.window is a word that means something else; call the signal otherwise",
                        "sql.eight must be settings in braces, or off",
                        "sql.nine is off, and says nowhere what it would be: leave it out",
                        "prometheus.both has the name of a signal under sql; name one otherwise",
                        "prometheus.a.url is missing (such as https://host:9090)",
                        "prometheus.b.url is not right: it has to begin with http:// or https://",
                        "prometheus.c.url is not right: it names a user: a secret belongs into a token-file",
                        "prometheus.d.url is not right: the query of the URL is what the program makes of `query`",
                        "prometheus.e.url is not right: it names no host, or a port that there is not",
                        "prometheus.f.query is missing (such as max(some_metric))",
                        "prometheus.f.token-file names nowhere, a token file that cannot be read",
                        "http.g.url is not right: it is malformed; it should look like https://host:9090/path",
                        "http.h.hold",
                        "http.i.token-file names a file that holds more than one word of letters, digits and signs",
                        "http.j.token-file names empty, which is empty",
                        "http.k.url is not right: it has a #, and what comes after it is sent to nobody",
                        "link-local holds an element that is no address: localhost");
        assertThat(refusal.problems().get(0)).contains("orchestrator.conf: 2: ");
    }

    /** What is defined for all of them may leave to each what differs. */
    @Test
    void the_defaults_need_not_be_whole() throws Exception {
        Settings settings = read("""
                database-defaults.throttle.sql.queue { every = 3s }
                databases.a { url = "postgresql://h/a", throttle.sql.queue { query = "SELECT 1", hold = 3 } }
                """);

        assertThat(of(settings, "a").outside().signals())
                .containsExactly(
                        new OutsideSignal("queue", new Sql("SELECT 1"), Duration.ofSeconds(3), Duration.ofSeconds(10)));
    }

    private static SignalRule limits(Map<String, String> limits) {
        return new SignalRule(true, limits);
    }

    private static ThrottleSettings of(Settings settings, String database) {
        return requireNonNull(settings.databases().get(database)).work().throttle();
    }

    private static ThrottleSettings.Adjusted with(Settings settings, String database, Map<String, SignalRule> rules) {
        return of(settings, database).with(rules);
    }

    private Settings read(String text) throws IOException {
        return SettingsReader.read(Files.writeString(directory.resolve("orchestrator.conf"), text));
    }
}
