package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory of many job files, of which some begin at the same moment. */
class ManyJobsTest {

    private static final int ROWS = 50;
    private static final int MOST_ON_A_PAGE = 1_000;

    /** Sixteen workers, what the daemon has for itself, and runs that end; the server has a hundred. */
    private static final int MOST_SESSIONS = 60;

    @TempDir
    private Path directory;

    @Test
    void all_are_registered_and_those_that_begin_together_run_once_each_over_few_sessions() throws Exception {
        registerAndRun(40, 20);
    }

    /** {@code -Djobs=} and {@code -Druns=} set how many. */
    @Tag("storm")
    @Test
    void thousands_are_registered_and_a_hundred_of_them_run() throws Exception {
        registerAndRun(Integer.getInteger("jobs", 3_000), Integer.getInteger("runs", 100));
    }

    private void registerAndRun(int jobs, int runs) throws Exception {
        Duration patience = Duration.ofMinutes(1).plusMillis(200L * jobs);
        try (OwnServer server = OwnServer.start(directory.resolve("server"));
                TestDatabase database = server.postgres().newDatabase()) {
            for (int i = 0; i < runs; i++) {
                database.execute(
                        "CREATE TABLE t%d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)".formatted(i),
                        "INSERT INTO t%d SELECT generate_series(1, %d)".formatted(i, ROWS));
            }
            long begun = System.nanoTime();
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), "lease = 2s")) {
                System.out.printf("ready after %s%n", since(begun));
                daemon.post("/api/v1/pause");
                for (int i = 0; i < jobs; i++) {
                    Files.writeString(directory.resolve("jobs").resolve("job-" + i + ".yaml"), job(i, runs));
                }
                await().atMost(patience).until(() -> count(database, "backfill.registration") == jobs);
                await().atMost(patience).until(() -> count(database, "backfill.run") == runs);
                System.out.printf("%d jobs registered after %s%n", jobs, since(begun));

                long resumed = System.nanoTime();
                daemon.post("/api/v1/resume");
                assertThat(sessionsUntilDone(database, runs, patience))
                        .as("sessions")
                        .isLessThanOrEqualTo(MOST_SESSIONS);
                System.out.printf("%d runs in %s%n", runs, since(resumed));

                assertEachRanOnce(database, runs);
                assertThat(daemon.get("/api/v1/jobs?limit=" + MOST_ON_A_PAGE)
                                .body()
                                .path("jobs"))
                        .hasSize(Math.min(jobs, MOST_ON_A_PAGE));
                assertThat(daemon.process().errors())
                        .doesNotContain("ERROR", "run is held database=\"main\" reason=\"no-connection\"");
            }
        }
    }

    /** The most that the daemon has had at the same moment. */
    private static long sessionsUntilDone(TestDatabase database, int runs, Duration patience) throws SQLException {
        long begun = System.nanoTime();
        long most = 0;
        while (count(database, "backfill.run WHERE state = 'SUCCEEDED'") < runs) {
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(patience);
            most = Math.max(most, count(database, "pg_stat_activity WHERE application_name ~ '^backfill'"));
        }
        return most;
    }

    private static void assertEachRanOnce(TestDatabase database, int runs) throws SQLException {
        assertThat(count(database, "backfill.run")).isEqualTo(runs);
        for (int i = 0; i < runs; i++) {
            assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM t%d GROUP BY n".formatted(i)))
                    .containsExactly("1 x " + ROWS);
        }
    }

    private static long count(TestDatabase database, String rows) throws SQLException {
        return database.queryLong("SELECT count(*) FROM " + rows);
    }

    private static Duration since(long begun) {
        return Duration.ofMillis((System.nanoTime() - begun) / 1_000_000);
    }

    private static String job(int number, int runs) {
        String schedule = number < runs
                ? "{ start: on-apply }"
                : number % 2 == 0 ? "{ start: manual }" : "{ start: { cron: \"0 0 1 1 1 ?\" } }";
        return """
                version: 1
                job: job-%d
                table: t%2$d
                range: { by: id }
                sql: UPDATE t%2$d SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                parallelism: 2
                schedule: %3$s
                """.formatted(number, number % runs, schedule);
    }
}
