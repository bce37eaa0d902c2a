package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that somebody began in a terminal is the terminal's, until the daemons are told to take it. */
class HandOverTest {

    private static final long ROWS = 10_000;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"start", "resume"})
    void the_daemon_takes_over_what_a_dead_terminal_left(String verb) throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, ROWS);
                Daemon daemon = Daemon.start(directory, counters.database())) {
            Path job = CounterJob.by(Counters.Order.ID)
                    .lasting(Duration.ofMillis(100))
                    .in(directory);
            String manual = Files.readString(job) + "schedule: { start: manual }\n";
            Files.writeString(job, manual);
            daemon.register("count", manual);
            try (BackfillProcess terminal = counters.run(job).start()) {
                counters.awaitWorking(terminal);
                terminal.kill9();
                terminal.waitFor(Duration.ofSeconds(5));
            }
            await().during(Duration.ofSeconds(3))
                    .atMost(Duration.ofSeconds(5))
                    .until(() ->
                            counters.slices("owner LIKE '%/" + daemon.process().pid() + "/%'") == 0);
            assertThat(counters.state()).isEqualTo("RUNNING");

            daemon.say(verb, "count");

            daemon.awaitState("count", "SUCCEEDED");
            counters.assertDoneOnce();
            assertThat(counters.database()
                            .queryStrings("SELECT \"to\" FROM backfill.event WHERE \"to\" = 'handed-over'"))
                    .hasSize(1);
        }
    }
}
