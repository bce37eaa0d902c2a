package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.api.Pacing.SignalRule;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals and their limits. */
class ThrottleSettingsTest {

    private static final SignalRule ON = new SignalRule(true, Map.of());
    private static final SignalRule OFF = new SignalRule(false, Map.of());

    @TempDir
    private Path directory;

    @Test
    void the_limits_of_the_other_signals_are_read_in_their_units() throws Exception {
        Settings settings = read("""
                database-defaults { cores = 8, throttle { dead-tuples = on, archive-backlog = off, lock-waits = off
                                                        foreground = off } }
                databases {
                  a { url = "postgresql://h/a"
                      throttle { long-transaction { slow = 90s }, slot-retention.hold = 1MiB, autovacuum = on } }
                  b { url = "postgresql://h/b", cores = unknown
                      throttle { active-sessions = off, dead-tuples { hold = 12.5% }, lock-storm { hold = 3 }
                                 archive-backlog { hold = 5 } } }
                }
                """);

        assertThat(requireNonNull(settings.databases().get("a"))
                        .work()
                        .throttle()
                        .policy()
                        .levels())
                .isEqualTo(Map.of(
                        "lock-storm", new Level(OptionalDouble.empty(), OptionalDouble.of(40), 40),
                        "active-sessions", new Level(OptionalDouble.of(0.8), OptionalDouble.of(1.5), 0.7),
                        "long-transaction", new Level(OptionalDouble.of(90), OptionalDouble.of(3_600), 2_880),
                        "slot-retention",
                                new Level(OptionalDouble.of(1 << 19), OptionalDouble.of(1 << 20), 0.8 * (1 << 20)),
                        "autovacuum", new Level(OptionalDouble.of(0), OptionalDouble.empty(), Double.MAX_VALUE),
                        "dead-tuples", new Level(OptionalDouble.of(0.2), OptionalDouble.of(0.4), 0.1)));
        assertThat(requireNonNull(settings.databases().get("b"))
                        .work()
                        .throttle()
                        .policy()
                        .levels())
                .isEqualTo(Map.of(
                        "lock-storm", new Level(OptionalDouble.empty(), OptionalDouble.of(3), 3),
                        "archive-backlog", new Level(OptionalDouble.of(1.25), OptionalDouble.of(5), 0.625),
                        "dead-tuples", new Level(OptionalDouble.of(0.0625), OptionalDouble.of(0.125), 0.03125)));
    }

    @Test
    void a_hold_below_the_other_limits_of_all_leaves_no_limit_above_itself() throws Exception {
        Settings settings = read("""
                databases.a { url = "postgresql://h/a", throttle.limits.archive-backlog.hold = 4 }
                """);

        assertThat(requireNonNull(settings.databases().get("a"))
                        .work()
                        .throttle()
                        .policy()
                        .levels())
                .containsEntry("archive-backlog", new Level(OptionalDouble.empty(), OptionalDouble.of(4), 4));
    }

    @Test
    void the_cores_of_a_signal_that_all_have_may_be_said_of_each() throws Exception {
        Settings settings = read("""
                database-defaults.throttle.active-sessions = on
                databases.a { url = "postgresql://h/a", cores = 4 }
                """);

        assertThat(requireNonNull(settings.databases().get("a"))
                        .work()
                        .throttle()
                        .policy()
                        .levels())
                .containsKey("active-sessions");
    }

    @Test
    void limits_that_make_no_sense_are_refused() {
        ConfigurationException refusal = catchThrowableOfType(ConfigurationException.class, () -> read("""
                databases.a { url = "postgresql://h/a"
                  throttle { active-sessions = on, lock-storm { hold = -1 }, long-transaction { slow = 2h }
                             dead-tuples { slow = 50%, hold = 40% }, xmin-age { hold = 5, resume = 6 }
                             archive-backlog { most = 3 }, checkpoint-pressure = maybe, slot-retention { hold = much } } }
                """));
        assertThat(refusal.problems())
                .extracting(problem -> problem.replaceFirst("^.*throttle\\.", ""))
                .containsExactlyInAnyOrder(
                        "active-sessions needs to know how many `cores` the server has; say so, or turn it off",
                        "lock-storm.hold must be a number, not -1",
                        "dead-tuples.slow must be below hold",
                        "xmin-age.resume must not be above hold",
                        "long-transaction.slow must be below hold",
                        "archive-backlog.most",
                        "checkpoint-pressure must be \"on\" or \"off\", not maybe",
                        "slot-retention.hold must be a size, with its unit, not much");
    }

    @Test
    void a_job_says_otherwise_for_its_own_runs() throws Exception {
        ThrottleSettings database =
                requireNonNull(read("""
                databases.a { url = "postgresql://h/a", throttle { archive-backlog.hold = 32, lock-waits = off } }
                """).databases().get("a")).work().throttle();

        Policy adjusted = with(
                database,
                Map.of(
                        "replication-lag", OFF,
                        "replication-drain", OFF,
                        "archive-backlog", new SignalRule(true, Map.of("slow", "1")),
                        "dead-tuples", new SignalRule(true, Map.of("hold", "30%")),
                        "lock-waits", ON));
        assertThat(adjusted.standbys().on()).containsExactlyInAnyOrder(Watched.MISSING, Watched.STALE);
        assertThat(adjusted.levels())
                .containsEntry("archive-backlog", new Level(OptionalDouble.of(1), OptionalDouble.of(32), 4))
                .containsEntry("lock-waits", new Level(OptionalDouble.empty(), OptionalDouble.of(0.5), 0.5))
                .containsKeys("dead-tuples", "lock-storm");
        assertThat(database.policy().levels()).doesNotContainKeys("dead-tuples", "lock-waits");
        assertThat(database.with(Map.of()).policy()).isEqualTo(database.policy());
    }

    @Test
    void what_a_job_cannot_say_is_said_by_signal_and_changes_nothing() throws Exception {
        ThrottleSettings database = requireNonNull(read("databases.a { url = \"postgresql://h/a\" }")
                        .databases()
                        .get("a"))
                .work()
                .throttle();

        ThrottleSettings.Adjusted adjusted = database.with(Map.of(
                "replication-lag", OFF,
                "", OFF,
                "a..b", ON,
                "limits", new SignalRule(true, Map.of("hold", "1")),
                "lock-storm.hold", OFF,
                "active-sessions", ON,
                "long-transaction", new SignalRule(true, Map.of("hold", "600")),
                "archive-backlog", new SignalRule(true, Map.of("slow", "9", "hold", "5"))));
        assertThat(adjusted.policy()).isEqualTo(database.policy());
        assertThat(adjusted.problems().values().stream().flatMap(List::stream))
                .anyMatch(text -> text.startsWith("unknown key limits"))
                .anyMatch(text -> text.startsWith("unknown key \"a..b\""))
                .anyMatch(text -> text.startsWith("unknown key \"lock-storm.hold\""));
        assertThat(database.with(Map.of("replication-lag", OFF)).problems().get("replication-lag"))
                .containsExactly("replication-drain needs the budget of replication-lag, which is off; turn both off");
        assertThat(database.with(Map.of("long-transaction", new SignalRule(true, Map.of("hold", "600"))))
                        .problems()
                        .get("long-transaction"))
                .containsExactly("long-transaction.hold must be a duration, with its unit, not 600");
        assertThat(database.with(Map.of("active-sessions", ON)).problems().get("active-sessions"))
                .containsExactly(
                        "active-sessions needs to know how many `cores` the server has; say so, or turn it off");
    }

    private static Policy with(ThrottleSettings database, Map<String, SignalRule> rules) {
        ThrottleSettings.Adjusted adjusted = database.with(rules);
        assertThat(adjusted.problems()).isEmpty();
        return adjusted.policy();
    }

    private Settings read(String text) throws IOException {
        return SettingsReader.read(Files.writeString(directory.resolve("orchestrator.conf"), text));
    }
}
