package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Counters.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code run} does when it is called again, by what became of the run before. */
class CallAgainTest {

    private static final long ROWS = 10_000;
    private static final CounterJob JOB = CounterJob.by(Counters.Order.ID);

    @TempDir
    private Path directory;

    private Counters counters;

    @BeforeEach
    void create() throws Exception {
        counters = Counters.create(Counters.Order.ID, ROWS);
    }

    @AfterEach
    void close() throws Exception {
        counters.close();
    }

    @Test
    void a_run_that_succeeded_is_left_alone_unless_another_is_asked_for() throws Exception {
        Path job = JOB.in(directory);
        assertThat(counters.exitCode(job)).isZero();
        counters.assertDoneOnceForGood(job);

        assertThat(counters.exitCode(job, "--again")).isZero();

        assertThat(counters.state()).isEqualTo("SUCCEEDED and SUCCEEDED");
        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n = 2"))
                .isEqualTo(ROWS);
    }

    @Test
    void other_content_than_that_of_a_finished_run_is_refused_unless_another_is_asked_for() throws Exception {
        assertThat(counters.exitCode(JOB.in(directory))).isZero();
        Path changed = JOB.statement("UPDATE c SET n = n + 10 WHERE :range").in(directory);

        refused(changed, "%s of job count is SUCCEEDED", "other than the file's", "--again starts a new run");

        counters.assertDoneOnce();
        assertThat(counters.exitCode(changed, "--again")).isZero();
        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n = 11"))
                .isEqualTo(ROWS);
        assertThat(counters.database().queryStrings("SELECT revision FROM backfill.run ORDER BY created"))
                .containsExactly("1", "2");
    }

    @Test
    void other_content_than_that_of_an_unfinished_run_is_refused_and_both_revisions_are_named() throws Exception {
        CounterJob slow = JOB.lasting(Duration.ofMillis(100));
        try (BackfillProcess process = counters.run(slow.in(directory)).start()) {
            counters.awaitWorking(process);
            process.kill9();
        }
        Path changed = JOB.statement("UPDATE c SET n = n + 10 WHERE :range").in(directory);
        for (String[] options : new String[][] {{}, {"--again"}}) {
            refused(changed, options, "%s of job count is RUNNING with other content");
        }
        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n > 1"))
                .isZero();

        Path job = slow.in(directory);
        assertThat(counters.exitCode(job)).isZero();
        counters.assertDoneOnce();
    }

    @Test
    void a_row_that_cannot_be_processed_pauses_the_run_and_once_mended_it_goes_on() throws Exception {
        counters.database().execute("UPDATE c SET n = -1 WHERE id = 7777");
        Path job = JOB.statement("UPDATE c SET n = 1 / (n + 1) WHERE :range").in(directory);
        for (int call = 1; call <= 2; call++) {
            try (BackfillProcess process = counters.run(job).start()) {
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(3);
                assertThat(process.output())
                        .containsPattern("is paused: at key \\W*7777\\W")
                        .contains("division by zero (SQLSTATE 22012)");
            }
            assertThat(counters.state()).isEqualTo("PAUSED");
        }
        counters.database().execute("UPDATE c SET n = 0 WHERE id = 7777");

        try (BackfillProcess process = counters.run(job).start()) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            assertThat(process.errors()).contains("resuming run", "which was paused: at key");
        }
        counters.assertDoneOnceForGood(job);
    }

    @Test
    void rows_left_fail_the_run_and_once_they_are_seen_to_it_succeeds() throws Exception {
        CounterJob leaving = JOB.statement("UPDATE c SET n = n + 1 WHERE :range AND id NOT IN (5, 6006)");
        Path job = leaving.in(directory);
        for (int call = 1; call <= 2; call++) {
            try (BackfillProcess process = counters.run(job).start()) {
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(1);
                assertThat(process.output())
                        .containsPattern("failed: 2 rows still meet `remaining`, the first at \\W*5\\W+6006\\W");
            }
            assertThat(counters.state()).isEqualTo("FAILED");
        }
        counters.database().execute("UPDATE c SET n = n + 1 WHERE n = 0");

        try (BackfillProcess process = counters.run(job).start()) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            assertThat(process.errors()).contains("trying again what run");
        }
        assertThat(counters.state()).isEqualTo("SUCCEEDED");
        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n = 1"))
                .isEqualTo(ROWS);
        assertThat(counters.database().queryStrings("SELECT remaining FROM backfill.proof ORDER BY id"))
                .containsExactly("2", "2", "0");
    }

    @Test
    void a_cancelled_run_is_refused_unless_another_is_asked_for() throws Exception {
        Path job = JOB.in(directory);
        assertThat(counters.exitCode(job)).isZero();
        counters.database().execute("UPDATE backfill.run SET state = 'CANCELLED'", "UPDATE c SET n = 0");

        refused(job, "%s of job count was cancelled", "--again starts a new one");

        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n = 0"))
                .isEqualTo(ROWS);
        assertThat(counters.exitCode(job, "--again")).isZero();
        assertThat(counters.database().queryLong("SELECT count(*) FROM c WHERE n = 1"))
                .isEqualTo(ROWS);
    }

    @Test
    void a_database_that_cannot_be_reached_is_said_and_nothing_is_begun() throws Exception {
        Path job = JOB.in(directory);
        String url = counters.database()
                .jdbcUrl()
                .replace(":" + counters.database().server().port(), ":1");
        try (BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", url)) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(4);
            assertThat(process.errors()).contains("127.0.0.1:1", "refused");
        }
    }

    private void refused(Path job, String... messages) throws Exception {
        refused(job, new String[0], messages);
    }

    /** Calls run, which refuses with these words; {@code %s} is the only run's id. */
    private void refused(Path job, String[] options, String... messages) throws Exception {
        String run =
                counters.database().queryStrings("SELECT id FROM backfill.run").get(0);
        try (BackfillProcess process = counters.run(job, options).start()) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(2);
            for (String message : messages) {
                assertThat(process.errors()).contains(message.formatted(run));
            }
        }
    }
}
