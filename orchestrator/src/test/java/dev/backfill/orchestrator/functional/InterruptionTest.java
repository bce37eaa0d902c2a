package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Counters.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Ctrl-C and an orderly shutdown end the program soon, and the next call goes on at once. */
class InterruptionTest {

    private static final Duration SOON = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(20);

    /** How a process is asked to end. */
    enum Request {
        SIGTERM,
        SIGINT;

        void to(BackfillProcess process) throws Exception {
            switch (this) {
                case SIGTERM -> process.sigterm();
                case SIGINT -> process.sigint();
            }
        }
    }

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"SIGTERM, ID", "SIGTERM, AT", "SIGINT, ID", "SIGINT, AT"})
    void interrupted_in_mid_run_it_gives_its_slices_back(Request request, Counters.Order order) throws Exception {
        try (Counters counters = Counters.create(order, 20_000)) {
            Path job = CounterJob.by(order).lasting(Duration.ofMillis(100)).in(directory);
            try (BackfillProcess process = counters.run(job).start()) {
                await().atMost(PATIENCE).pollInterval(LOOK).until(() -> counters.batches() > 3);

                request.to(process);

                assertThat(process.waitFor(SOON)).as(process::toString).isEqualTo(3);
                assertThat(process.output()).contains("was interrupted");
            }
            assertThat(counters.state()).isEqualTo("RUNNING");
            assertThat(counters.slices("state = 'RUNNING' OR state = 'READY' AND owner IS NOT NULL"))
                    .as("slices kept")
                    .isZero();
            try (BackfillProcess process = counters.run(job).start()) {
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
                assertThat(process.errors()).contains("going on with run").doesNotContain("waiting for");
            }
            counters.assertDoneOnceForGood(job);
        }
    }

    @ParameterizedTest
    @EnumSource(Request.class)
    void interrupted_while_it_checks_it_lets_the_next_call_check_at_once(Request request) throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 20_000);
                Connection open = counters.database().connect();
                Statement statement = open.createStatement()) {
            open.setAutoCommit(false);
            statement.execute("CREATE TABLE other ()");
            Path job = CounterJob.by(Counters.Order.ID).in(directory);
            try (BackfillProcess process = counters.run(job).start()) {
                await().atMost(PATIENCE).until(() -> process.errors().contains("held: open-transactions"));

                request.to(process);

                assertThat(process.waitFor(SOON)).as(process::toString).isEqualTo(3);
            }
            assertThat(counters.state()).isEqualTo("VERIFYING");
            open.commit();
            try (BackfillProcess process = counters.run(job).start()) {
                assertThat(process.waitFor(Duration.ofSeconds(10)))
                        .as(process::toString)
                        .isZero();
            }
            counters.assertDoneOnce();
        }
    }
}
