package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a daemon costs that has nothing to do. Takes a minute. */
@Tag("measured")
class IdleTest {

    private static final int JOBS = 200;
    private static final int PAUSED = 20;
    private static final Duration SETTLING = Duration.ofSeconds(10);
    private static final Duration MEASURED = Duration.ofSeconds(30);
    private static final double MOST_OF_A_CORE = 0.02;
    private static final long TICKS_A_SECOND = 100;
    private static final Duration MOST_TO_BE_READY = Duration.ofSeconds(5);

    @TempDir
    private Path directory;

    @Test
    @EnabledOnOs(OS.LINUX)
    void with_many_jobs_and_paused_runs_it_costs_next_to_nothing() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id bigint PRIMARY KEY, n int)", "INSERT INTO t SELECT generate_series(1, 1000)");
            registerAndPause(database);

            long begun = System.nanoTime();
            try (Daemon daemon = Daemon.start(directory, database)) {
                Duration ready = Duration.ofNanos(System.nanoTime() - begun);
                waitFor(SETTLING);
                long before = ticks(daemon);
                waitFor(MEASURED);
                double ofACore = (ticks(daemon) - before) / (double) (MEASURED.toSeconds() * TICKS_A_SECOND);

                System.out.printf(
                        "%d jobs, %d paused runs: ready after %d ms, idle at %.2f %% of a core%n",
                        JOBS, PAUSED, ready.toMillis(), ofACore * 100);
                assertThat(daemon.get("/api/v1/jobs?limit=1000").body().path("jobs"))
                        .hasSize(JOBS);
                assertThat(states(daemon, "PAUSED")).isEqualTo(PAUSED);
                assertThat(ready).isLessThan(MOST_TO_BE_READY);
                assertThat(ofACore).isLessThan(MOST_OF_A_CORE);
                assertThat(database.queryStrings("SELECT application_name FROM pg_stat_activity"
                                + " WHERE datname = current_database() AND application_name LIKE 'backfill/%'"))
                        .isEmpty();
                assertThat(daemon.threads()).noneMatch(name -> name.startsWith("run "));
            }
        }
    }

    /** A daemon registers them all and begins the first, which pause themselves before much is done. */
    private void registerAndPause(TestDatabase database) throws Exception {
        Files.createDirectories(directory.resolve("jobs"));
        Files.writeString(
                directory.resolve("jobs").resolve("all.yaml"),
                IntStream.range(0, JOBS).mapToObj(IdleTest::job).collect(Collectors.joining("---\n")));
        try (Daemon daemon = Daemon.start(directory, database)) {
            await().dontCatchUncaughtExceptions()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> states(daemon, "PAUSED") == PAUSED && states(daemon, "") == JOBS - PAUSED);
            daemon.process().sigterm();
            assertThat(daemon.process().waitFor(Duration.ofSeconds(5))).isZero();
        }
    }

    private static String job(int number) {
        String schedule = number < PAUSED
                ? "{ pause-after: 1% }"
                : number % 2 == 0 ? "{ start: manual }" : "{ start: { cron: \"0 0 1 1 1 ?\" } }";
        return """
                version: 1
                job: fill-%03d
                table: t
                range: { by: id }
                update: { set: { n: "1" }, where: n IS NULL OR n < %d }
                share-table: true
                batch: { size: 10, min: 10 }
                schedule: %s
                """.formatted(number, number, schedule);
    }

    private static long states(Daemon daemon, String state) {
        return daemon.get("/api/v1/jobs?limit=1000")
                .body()
                .path("jobs")
                .valueStream()
                .filter(job ->
                        job.path("runs").path(0).path("state").asString("").equals(state))
                .count();
    }

    /** What it has used of the processor. */
    private static long ticks(Daemon daemon) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + daemon.process().pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static void waitFor(Duration duration) {
        await().atMost(duration.plusSeconds(10)).pollDelay(duration).until(() -> true);
    }
}
