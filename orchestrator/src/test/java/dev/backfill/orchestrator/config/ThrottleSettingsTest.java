package dev.backfill.orchestrator.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.orchestrator.policy.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals and their limits. */
class ThrottleSettingsTest {

    @TempDir
    private Path directory;

    @Test
    void the_limits_of_the_other_signals_are_read_in_their_units() throws Exception {
        Settings settings = read("""
                database-defaults { cores = 8, throttle { dead-tuples = on, archive-backlog = off, lock-waits = off } }
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
                                new Level(OptionalDouble.empty(), OptionalDouble.of(1 << 20), 0.8 * (1 << 20)),
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

    private Settings read(String text) throws IOException {
        return SettingsReader.read(Files.writeString(directory.resolve("orchestrator.conf"), text));
    }
}
