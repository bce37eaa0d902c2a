package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Faults of the program, and pauses, while a custom processor is at work. */
class ProcessorFaultTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofSeconds(8);
    private static final int EXIT_OF_A_FULL_HEAP = 3;
    private static final int SIGKILL = 128 + 9;
    private static final int KILLS = 4;

    @TempDir
    private Path directory;

    @Tag("storm")
    @Test
    void kill_9_loses_nothing_and_does_nothing_twice() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, 4_000)) {
            Path config = Files.writeString(
                    directory.resolve("run.conf"),
                    "lease = 2s\nplugins = \"%s\"\ndatabases.main.url = \"%s\"\n"
                            .formatted(plugins("with"), database.jdbcUrl()));
            Path job = Files.writeString(directory.resolve("job.yaml"), yaml(oracle, "slow"));
            for (int kill = 1; kill <= KILLS; kill++) {
                try (BackfillProcess process =
                        BackfillProcess.start("run", job.toString(), "--config", config.toString())) {
                    long wanted = oracle.batches() + 4;
                    await().atMost(PATIENCE).until(() -> oracle.batches() >= wanted);
                    awaitProcessorAtWork(database, "AND clock_timestamp() - state_change < interval '200 ms'");
                    process.kill9();
                    assertThat(process.waitFor(PATIENCE)).isEqualTo(SIGKILL);
                    oracle.faultIsOver();
                }
            }
            try (BackfillProcess process =
                    BackfillProcess.start("run", job.toString(), "--config", config.toString())) {
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
            }
            oracle.assertExactlyOnce();
        }
    }

    /** A transaction of the run is open, and the server is not asked for anything: for as long as the processor sleeps. */
    private static void awaitProcessorAtWork(TestDatabase database, String since) {
        String open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backfill/oracle'"
                + " AND state = 'idle in transaction' " + since;
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> database.queryLong(open) > 0);
    }

    @Test
    void a_processor_that_sleeps_keeps_neither_a_pause_nor_an_end_waiting() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, 100);
                Daemon daemon = daemon(directory, plugins("with"), database, UnaryOperator.identity())) {
            daemon.register(Oracle.JOB, yaml(oracle, "asleep"));
            awaitProcessorAtWork(database, "");
            long begun = System.nanoTime();
            daemon.process().sigterm();
            assertThat(daemon.process().waitFor(PATIENCE)).isZero();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SOON);
            assertThat(database.queryLong("SELECT sum(counter) FROM t WHERE NOT late"))
                    .isZero();
        }
    }

    @Test
    void a_daemon_without_the_plugin_leaves_the_run_to_one_that_has_it() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, 500);
                Daemon without = daemon(directory.resolve("a"), plugins(""), database, UnaryOperator.identity())) {
            try (Daemon with = daemon(directory.resolve("b"), plugins("with"), database, UnaryOperator.identity())) {
                assertThat(without.put("/api/v1/jobs/" + Oracle.JOB, yaml(oracle, "good"))
                                .status())
                        .isEqualTo(422);
                with.register(Oracle.JOB, yaml(oracle, "good"));
                with.awaitState(Oracle.JOB, "SUCCEEDED");
                oracle.assertExactlyOnce();
                with.register(
                        "later",
                        yaml(oracle, "good")
                                        .replace("job: oracle", "job: later")
                                        .replace("counter = 0", "counter < 0") + "schedule: { start: manual }\n");
            }
            assertThat(without.post("/api/v1/jobs/later/start").status()).isEqualTo(200);
            without.awaitState("later", "PAUSED");
            assertThat(without.run("later").path("reason").asString())
                    .contains("no processor " + Moody.class.getName());
        }
    }

    /** The heap is as {@code backfill} sets it up, but for its size. */
    @Test
    @Tag("storm")
    void a_daemon_whose_heap_a_processor_has_filled_ends_and_the_next_loses_nothing() throws Exception {
        Path greed = Files.writeString(directory.resolve("greed"), "");
        Files.delete(greed);
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, 20_000)) {
            UnaryOperator<BackfillProcess.Builder> small = process -> process.option("-Xmx40m")
                    .option("-XX:+ExitOnOutOfMemoryError")
                    .option("-Dgreed=" + greed);
            try (Daemon daemon = daemon(directory, plugins("with"), database, small)) {
                daemon.register(Oracle.JOB, yaml(oracle, "greedy"));
                await().atMost(PATIENCE).until(() -> oracle.batches() > 10);
                Files.writeString(greed, "");
                assertThat(daemon.process().waitFor(PATIENCE)).isEqualTo(EXIT_OF_A_FULL_HEAP);
                assertThat(daemon.process().output()).contains("java.lang.OutOfMemoryError");
                oracle.faultIsOver();
            }
            Files.delete(greed);
            try (Daemon daemon = daemon(directory, plugins("with"), database, small)) {
                daemon.awaitState(Oracle.JOB, "SUCCEEDED");
                oracle.assertExactlyOnce();
            }
        }
    }

    private Path plugins(String name) throws IOException {
        Path plugins = Files.createDirectories(directory.resolve("plugins" + name));
        if (!name.isEmpty()) {
            PluginJar.write(plugins.resolve("moody.jar"), Moody.class);
        }
        return plugins;
    }

    private static Daemon daemon(
            Path directory, Path plugins, TestDatabase database, UnaryOperator<BackfillProcess.Builder> prepared)
            throws IOException {
        return Daemon.start(
                directory, prepared, Map.of("main", database.jdbcUrl()), "lease = 2s", "plugins = \"" + plugins + "\"");
    }

    /** The oracle's job, by a processor in place of its statement. */
    private static String yaml(Oracle oracle, String mood) {
        return oracle.yaml(50, Duration.ZERO)
                .replaceFirst(
                        "sql: .*",
                        "processor: { type: %s, options: { mood: %s } }".formatted(Moody.class.getName(), mood));
    }
}
