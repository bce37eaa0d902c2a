package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Counters.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two processes on the same file share the work and never do the same twice. */
class TwoProcessesTest {

    private static final long ROWS = 20_000;
    private static final Duration LOOK = Duration.ofMillis(50);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"ID, 1", "AT, 1", "ID, 4", "AT, 4"})
    void started_together_they_change_every_row_once(Counters.Order order, int parallelism) throws Exception {
        try (Counters counters = Counters.create(order, ROWS)) {
            Path job = job(order, parallelism);
            try (BackfillProcess first = counters.run(job).start();
                    BackfillProcess second = counters.run(job).start()) {
                await().atMost(PATIENCE).pollInterval(LOOK).until(() -> {
                    assertThat(counters.slices("state = 'RUNNING'"))
                            .as("slices worked at once")
                            .isLessThanOrEqualTo(parallelism);
                    return !first.isAlive() && !second.isAlive();
                });

                assertThat(first.waitFor(PATIENCE)).as(first::toString).isZero();
                assertThat(second.waitFor(PATIENCE)).as(second::toString).isZero();
                if (parallelism == 1) {
                    assertThat(first.errors() + second.errors())
                            .containsPattern("waiting for \\S+/(%d|%d)/".formatted(first.pid(), second.pid()));
                }
            }
            counters.assertDoneOnceForGood(job);
        }
    }

    @ParameterizedTest
    @CsvSource({"ID, 1", "AT, 4"})
    void when_one_is_killed_the_other_takes_its_slices_at_once(Counters.Order order, int parallelism) throws Exception {
        try (Counters counters = Counters.create(order, ROWS)) {
            Path job = job(order, parallelism);
            try (BackfillProcess first = counters.run(job).start();
                    BackfillProcess second = counters.run(job).start()) {
                await().atMost(PATIENCE)
                        .pollInterval(LOOK)
                        .until(() -> counters.batches() > 2
                                && first.errors().contains("job count")
                                && second.errors().contains("job count"));
                BackfillProcess killed = counters.isWorking(first) ? first : second;
                BackfillProcess other = killed == first ? second : first;

                killed.kill9();

                killed.waitFor(PATIENCE);
                await().atMost(Duration.ofSeconds(8)).pollInterval(LOOK).until(() -> !counters.isWorking(killed));
                assertThat(other.waitFor(PATIENCE)).as(other::toString).isZero();
            }
            counters.assertDoneOnceForGood(job);
        }
    }

    private Path job(Counters.Order order, int parallelism) throws Exception {
        return CounterJob.by(order)
                .parallelism(parallelism)
                .lasting(Duration.ofMillis(40L * parallelism))
                .in(directory);
    }
}
