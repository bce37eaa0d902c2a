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

/** A directory of many job files, of which some begin at the same moment. {@code -Djobs=} and {@code -Druns=} set how many. */
@Tag("storm")
class ManyJobsTest {

    private static final int JOBS = Integer.getInteger("jobs", 200);
    private static final int RUNS = Integer.getInteger("runs", 100);
    private static final int ROWS = 50;
    private static final Duration PATIENCE = Duration.ofMinutes(1).plusMillis(200L * JOBS);

    /** Sixteen workers, what the daemon has for itself, and runs that end; the server has a hundred. */
    private static final int MOST_SESSIONS = 60;

    @TempDir
    private Path directory;

    @Test
    void all_are_registered_and_those_that_begin_together_run_once_each_over_few_sessions() throws Exception {
        try (OwnServer server = OwnServer.start(directory.resolve("server"));
                TestDatabase database = server.postgres().newDatabase()) {
            for (int i = 0; i < RUNS; i++) {
                database.execute(
                        "CREATE TABLE t%d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)".formatted(i),
                        "INSERT INTO t%d SELECT generate_series(1, %d)".formatted(i, ROWS));
            }
            long begun = System.nanoTime();
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), "lease = 2s")) {
                System.out.printf("ready after %s%n", since(begun));
                daemon.post("/api/v1/pause");
                for (int i = 0; i < JOBS; i++) {
                    Files.writeString(directory.resolve("jobs").resolve("job-" + i + ".yaml"), job(i));
                }
                awaitCount(database, "backfill.registration", JOBS);
                awaitCount(database, "backfill.run", RUNS);
                System.out.printf("%d jobs registered after %s%n", JOBS, since(begun));

                long resumed = System.nanoTime();
                daemon.post("/api/v1/resume");
                long most = 0;
                while (count(database, "backfill.run WHERE state = 'SUCCEEDED'") < RUNS) {
                    assertThat(Duration.ofNanos(System.nanoTime() - resumed)).isLessThan(PATIENCE);
                    most = Math.max(most, count(database, "pg_stat_activity WHERE application_name ~ '^backfill'"));
                }
                System.out.printf("%d runs in %s over %d sessions%n", RUNS, since(resumed), most);

                assertThat(most).as("sessions").isLessThanOrEqualTo(MOST_SESSIONS);
                assertThat(count(database, "backfill.run")).isEqualTo(RUNS);
                for (int i = 0; i < RUNS; i++) {
                    assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM t%d GROUP BY n".formatted(i)))
                            .containsExactly("1 x " + ROWS);
                }
                assertThat(daemon.get("/api/v1/jobs?limit=1000").body().path("jobs"))
                        .hasSize(Math.min(JOBS, 1000));
                assertThat(daemon.process().errors())
                        .doesNotContain("ERROR", "run is held database=\"main\" reason=\"no-connection\"");
            }
        }
    }

    private static void awaitCount(TestDatabase database, String rows, long count) {
        await().atMost(PATIENCE).until(() -> count(database, rows) == count);
    }

    private static long count(TestDatabase database, String rows) throws SQLException {
        return database.queryLong("SELECT count(*) FROM " + rows);
    }

    private static Duration since(long begun) {
        return Duration.ofMillis((System.nanoTime() - begun) / 1_000_000);
    }

    private static String job(int number) {
        String schedule = number < RUNS
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
                """.formatted(number, number % RUNS, schedule);
    }
}
