package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A daemon that is asked to end does so soon and leaves everything so that the next one goes on at once. */
class DaemonEndTest {

    private static final String JOB = "count";
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final String LONG_LEASE = "lease = 60s";
    private static final String LONG_SLEEPERS = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'PgSleep' AND clock_timestamp() - query_start > '2 s'
            """;
    private static final String WAITERS = """
            SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'backfill.slice'::regclass
            """;

    @TempDir
    private Path directory;

    private Path jobs;

    @BeforeEach
    void jobsDirectory() throws IOException {
        jobs = Files.createDirectory(directory.resolve("jobs"));
    }

    @ParameterizedTest
    @EnumSource(InterruptionTest.Request.class)
    void an_idle_daemon_ends_at_once(InterruptionTest.Request request) throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 100);
                Daemon daemon = start(counters)) {
            request.to(daemon.process());

            assertEndsInOrder(daemon, "idle, " + request);
        }
    }

    @ParameterizedTest
    @EnumSource(InterruptionTest.Request.class)
    void in_mid_run_it_gives_its_slices_back_and_the_next_goes_on_at_once(InterruptionTest.Request request)
            throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 16_000)) {
            CounterJob.by(Counters.Order.ID)
                    .parallelism(4)
                    .lasting(Duration.ofMillis(250))
                    .in(jobs);
            try (Daemon daemon = start(counters)) {
                soon(30).until(() -> counters.batches() > 5);

                request.to(daemon.process());

                assertEndsInOrder(daemon, "in mid-run, " + request);
            }
            assertGivenBack(counters);
            assertNextGoesOnAtOnce(counters);
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_statement_that_sleeps_is_cancelled() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 16_000)) {
            counters.database().execute("CREATE TABLE pause AS SELECT 40.0 AS seconds");
            CounterJob.by(Counters.Order.ID)
                    .statement("UPDATE c SET n = n + 1 WHERE :range"
                            + " AND (SELECT pg_sleep(seconds) FROM pause) IS NOT NULL")
                    .in(jobs);
            try (Daemon daemon = start(counters)) {
                soon(30).until(() -> counters.database().queryLong(LONG_SLEEPERS) > 0);

                daemon.process().sigterm();

                assertEndsInOrder(daemon, "with a statement that sleeps");
            }
            assertGivenBack(counters);
            counters.database().execute("UPDATE pause SET seconds = 0.05");
            assertNextGoesOnAtOnce(counters);
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_statement_that_waits_for_a_lock_is_cancelled() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 16_000)) {
            CounterJob.by(Counters.Order.ID).lasting(Duration.ofMillis(50)).in(jobs);
            try (Connection other = counters.database().connect();
                    Statement statement = other.createStatement();
                    Daemon daemon = start(counters)) {
                soon(30).until(() -> counters.batches() > 5);
                other.setAutoCommit(false);
                statement.execute("LOCK TABLE c");
                soon(10).until(() -> counters.database()
                                .queryLong(
                                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'c'::regclass")
                        > 0);

                daemon.process().sigterm();

                assertEndsInOrder(daemon, "with a statement that waits for a lock");
            }
            assertGivenBack(counters);
            assertNextGoesOnAtOnce(counters);
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_lock_on_its_own_tables_does_not_keep_it() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 16_000)) {
            CounterJob.by(Counters.Order.ID).lasting(Duration.ofMillis(50)).in(jobs);
            try (Connection other = counters.database().connect();
                    Statement statement = other.createStatement();
                    Daemon daemon = start(counters)) {
                soon(30).until(() -> counters.batches() > 5);
                other.setAutoCommit(false);
                statement.execute("LOCK TABLE backfill.slice");
                soon(10).until(() -> counters.database().queryLong(WAITERS) > 0);

                daemon.process().sigterm();

                assertEndsInTime(daemon, "with its own tables locked");
            }
            assertNextGoesOnAtOnce(counters);
            counters.assertDoneOnce();
        }
    }

    @Test
    void after_kill_9_the_next_goes_on_long_before_the_lease_is_over() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, 16_000)) {
            CounterJob.by(Counters.Order.ID).lasting(Duration.ofMillis(100)).in(jobs);
            try (Daemon daemon = start(counters)) {
                soon(30).until(() -> counters.batches() > 5);
                daemon.process().kill9();
                daemon.process().waitFor(SOON);
            }
            assertThat(counters.slices("state = 'RUNNING'")).isPositive();

            assertNextGoesOnAtOnce(counters);

            counters.assertDoneOnce();
        }
    }

    private Daemon start(Counters counters) throws IOException {
        return Daemon.start(directory, Map.of("main", counters.database().jdbcUrl()), LONG_LEASE);
    }

    private static void assertEndsInOrder(Daemon daemon, String when) throws InterruptedException {
        assertEndsInTime(daemon, when);
        assertThat(daemon.process().errors()).contains("daemon has stopped").doesNotContain("ERROR");
    }

    private static void assertEndsInTime(Daemon daemon, String when) throws InterruptedException {
        long asked = System.nanoTime();
        BackfillProcess process = daemon.process();
        assertThat(process.waitFor(SOON)).as(process::toString).isZero();
        System.out.printf("ended %s after %d ms%n", when, (System.nanoTime() - asked) / 1_000_000);
    }

    private static void assertGivenBack(Counters counters) throws Exception {
        assertThat(counters.state()).isEqualTo("RUNNING");
        assertThat(counters.slices("state = 'RUNNING' OR state = 'READY' AND owner IS NOT NULL"))
                .as("slices kept")
                .isZero();
    }

    private void assertNextGoesOnAtOnce(Counters counters) throws Exception {
        long before = counters.batches();
        try (Daemon next = start(counters)) {
            soon(5).until(() -> counters.batches() > before);
            next.awaitState(JOB, "SUCCEEDED");
        }
    }

    private static ConditionFactory soon(int seconds) {
        return await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(seconds))
                .pollInterval(Duration.ofMillis(20));
    }
}
