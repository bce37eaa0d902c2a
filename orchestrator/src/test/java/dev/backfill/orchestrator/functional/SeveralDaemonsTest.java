package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Daemons that know nothing of each other and serve the same database. */
class SeveralDaemonsTest {

    private static final String JOB = "count";
    private static final long ROWS = 20_000;
    /** Each of the three batches in which 12,000 rows are counted takes two and a half leases of 1 s. */
    private static final String SLOW_TO_COUNT =
            "n = 0 OR CASE WHEN id IN (5000, 10500, 11500) THEN pg_sleep(2.5) IS NULL ELSE false END";

    private static final Duration A_BATCH = Duration.ofMillis(250);

    @TempDir
    private Path directory;

    private Path first;
    private Path second;

    @BeforeEach
    void twoDirectories() throws IOException {
        first = Files.createDirectories(directory.resolve("first"));
        second = Files.createDirectories(directory.resolve("second"));
        Files.createDirectory(first.resolve("jobs"));
        Files.createDirectory(second.resolve("jobs"));
    }

    @Test
    void a_job_in_the_directory_of_one_runs_once_and_both_show_it() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, ROWS);
                Daemon one = Daemon.start(first, counters.database());
                Daemon other = Daemon.start(second, counters.database())) {
            CounterJob.by(Counters.Order.ID).lasting(Duration.ofMillis(40)).in(first.resolve("jobs"));

            one.awaitState(JOB, "SUCCEEDED");

            other.awaitState(JOB, "SUCCEEDED");
            assertThat(other.run(JOB)).isEqualTo(one.run(JOB));
            assertThat(one.get("/api/v1/jobs/count/runs").body().path("runs")).hasSize(1);
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_run_goes_on_in_the_other_when_one_is_killed() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.AT, ROWS);
                Daemon one = Daemon.start(first, counters.database());
                Daemon other = Daemon.start(second, counters.database())) {
            CounterJob.by(Counters.Order.AT).lasting(Duration.ofMillis(60)).in(first.resolve("jobs"));
            soon(30).until(() -> counters.batches() > 5);
            Daemon killed = counters.isWorking(one.process()) ? one : other;
            Daemon left = killed == one ? other : one;

            killed.process().kill9();

            assertThat(counters.state()).isEqualTo("RUNNING");
            left.awaitState(JOB, "SUCCEEDED");
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_run_goes_on_where_it_was_when_the_only_daemon_is_killed_and_started_anew() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.AT, ROWS)) {
            CounterJob.by(Counters.Order.AT).lasting(Duration.ofMillis(60)).in(first.resolve("jobs"));
            try (Daemon killed = Daemon.start(first, counters.database())) {
                soon(30).until(() -> counters.batches() > 5);
                killed.process().kill9();
                killed.process().waitFor(Duration.ofSeconds(5));
            }
            long before = counters.batches();
            assertThat(counters.state()).isEqualTo("RUNNING");

            try (Daemon again = Daemon.start(first, counters.database())) {
                soon(5).until(() -> counters.batches() > before);
                again.awaitState(JOB, "SUCCEEDED");
            }
            counters.assertDoneOnce();
        }
    }

    @Test
    void a_pause_over_one_stops_the_work_of_the_other() throws Exception {
        try (Counters counters = Counters.create(Counters.Order.ID, ROWS);
                Daemon one = Daemon.start(first, counters.database());
                Daemon other = Daemon.start(second, counters.database())) {
            CounterJob.by(Counters.Order.ID).parallelism(1).lasting(A_BATCH).in(first.resolve("jobs"));
            soon(30).until(() -> counters.batches() > 3);
            Daemon working = counters.isWorking(one.process()) ? one : other;
            Daemon asked = working == one ? other : one;
            assertThat(counters.isWorking(asked.process())).isFalse();

            assertThat(asked.post("/api/v1/jobs/count/pause").status()).isEqualTo(200);

            await().dontCatchUncaughtExceptions()
                    .atMost(Duration.ofSeconds(1).plus(A_BATCH))
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> counters.slices("state = 'RUNNING'") == 0);
            long batches = counters.batches();
            assertThat(working.state(JOB)).isEqualTo("PAUSED");
            await().dontCatchUncaughtExceptions()
                    .during(Duration.ofSeconds(2))
                    .atMost(Duration.ofSeconds(3))
                    .until(() -> counters.batches() == batches && counters.slices("owner IS NOT NULL") == 0);
            assertThat(working.post("/api/v1/jobs/count/resume").status()).isEqualTo(200);
            soon(5).until(() -> counters.batches() > batches);
        }
    }

    @Test
    void a_check_whose_statements_time_out_is_made_by_one_and_ends() throws Exception {
        String slow = "n = 0 OR CASE WHEN id IN (2000, 4000, 9000) THEN pg_sleep(0.6) IS NULL ELSE false END";
        assertCheckedByOne(slow, "errors: { statement-timeout: 1s }");
    }

    @Test
    void a_check_that_outlasts_the_lease_is_made_by_one_and_ends() throws Exception {
        assertCheckedByOne(SLOW_TO_COUNT);
    }

    private void assertCheckedByOne(String remaining, String... more) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Daemon one = Daemon.start(first, Map.of("main", database.jdbcUrl()), "lease = 1s");
                Daemon other = Daemon.start(second, Map.of("main", database.jdbcUrl()), "lease = 1s")) {
            PacedTable table = PacedTable.create(database, "slow", 12_000, Duration.ZERO);

            one.register("slow", table.jobLeaving(remaining, more));
            Set<String> whoChecked = new HashSet<>();
            other.awaitRun("slow", run -> {
                whoChecked.addAll(database.queryStrings(
                        "SELECT verifier FROM backfill.run WHERE state = 'VERIFYING'" + " AND verifier IS NOT NULL"));
                return run.path("state").asString().equals("SUCCEEDED");
            });

            assertThat(whoChecked).hasSize(1);
            assertThat(database.queryStrings("SELECT remaining FROM backfill.proof"))
                    .containsExactly("0");
        }
    }

    @Test
    void a_change_in_the_directory_of_any_counts_and_older_copies_bring_nothing_back() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Daemon one = Daemon.start(first, database);
                Daemon other = Daemon.start(second, database)) {
            database.execute("CREATE TABLE t (id bigint PRIMARY KEY, n int)");
            one.jobFile(first, "fill.yaml", fill("fill", "old"));
            awaitDescription(other, "fill", "old");
            other.jobFile(second, "fill.yaml", fill("fill", "old"));
            other.jobFile(second, "then.yaml", fill("then-a", "seen after it"));
            awaitDescription(other, "then-a", "seen after it");

            other.jobFile(second, "fill.yaml", fill("fill", "new"));

            awaitDescription(one, "fill", "new");
            one.process().kill9();
            assertAnOldCopyBringsNothingBack(first, database, "then-b", other);
            Path third = directory.resolve("third");
            Files.createDirectories(third.resolve("jobs"));
            assertAnOldCopyBringsNothingBack(third, database, "then-c", other);
            one.jobFile(first, "fill.yaml", fill("fill", "newest"));
            try (Daemon again = Daemon.start(first, database)) {
                awaitDescription(again, "fill", "newest");
            }
            assertThat(other.get("/api/v1/jobs/fill").body().path("revision").asInt())
                    .isEqualTo(3);
        }
    }

    /** Starts a daemon where the old file is, and waits until it has read another beside it. */
    private static void assertAnOldCopyBringsNothingBack(Path where, TestDatabase database, String marker, Daemon other)
            throws IOException {
        other.jobFile(where, "fill.yaml", fill("fill", "old"));
        other.jobFile(where, "then.yaml", fill(marker, "read after it"));
        try (Daemon started = Daemon.start(where, Map.of("main", database.jdbcUrl()))) {
            awaitDescription(started, marker, "read after it");
            assertThat(description(started, "fill")).isEqualTo("new");
            assertThat(description(other, "fill")).isEqualTo("new");
        }
    }

    private static String fill(String job, String description) {
        return """
                version: 1
                job: %s
                description: %s
                table: t
                range: { by: id }
                update: { set: { n: "1" }, where: n IS NULL }
                schedule: { start: manual }
                """.formatted(job, description);
    }

    private static void awaitDescription(Daemon daemon, String job, String wanted) {
        soon(15).untilAsserted(() -> assertThat(description(daemon, job)).isEqualTo(wanted));
    }

    private static String description(Daemon daemon, String job) {
        return daemon.get("/api/v1/jobs/" + job).body().path("description").asString("");
    }

    private static ConditionFactory soon(int seconds) {
        return await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(seconds))
                .pollInterval(Duration.ofMillis(50));
    }
}
