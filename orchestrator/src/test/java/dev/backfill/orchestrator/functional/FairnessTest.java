package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The workers of a daemon are few: runs take turns, and one that may not move keeps none. */
class FairnessTest {

    private static final int MANY = 200_000;
    private static final Duration BATCH = Duration.ofMillis(100);

    @TempDir
    private Path directory;

    private TestDatabase database;
    private Daemon daemon;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(
                directory, Map.of("main", database.jdbcUrl()), "lease = 2s", "databases.main.max-workers = 1");
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @Test
    void runs_take_turns_at_the_only_worker() throws Exception {
        PacedTable first = working("first");
        PacedTable second = PacedTable.create(database, "second", MANY, BATCH);
        PacedTable small = PacedTable.create(database, "small", 100, BATCH);
        daemon.register("second", second.job());
        daemon.register("small", small.job());

        daemon.awaitState("small", "SUCCEEDED");
        for (PacedTable table : List.of(first, second)) {
            long before = table.batches();
            soon().until(() -> table.batches() > before);
        }
    }

    @Test
    void a_run_that_is_held_for_long_keeps_neither_threads_nor_sessions() throws Exception {
        PacedTable table = working("held");
        assertThat(daemon.threads()).anyMatch(name -> name.startsWith("backfill held worker"));
        daemon.post("/api/v1/pause", "{\"reason\": \"a quiet hour\"}");

        soon().untilAsserted(() -> {
            assertThat(daemon.threads()).noneMatch(name -> name.startsWith("backfill held"));
            assertThat(database.queryStrings("SELECT application_name FROM pg_stat_activity"
                            + " WHERE datname = current_database() AND application_name LIKE 'backfill/held%'"))
                    .isEmpty();
        });
        assertThat(daemon.run("held").path("hold").path("reason").asString()).isEqualTo("stopped");
        long before = table.batches();

        daemon.post("/api/v1/resume");

        soon().until(() -> table.batches() > before);
    }

    @Test
    void a_database_that_is_away_keeps_no_worker_from_the_others() throws Exception {
        daemon.close();
        try (FaultProxy network = FaultProxy.to(TestPostgres.newest());
                TestDatabase far = TestPostgres.newest().newDatabase();
                Daemon both = Daemon.start(
                        directory,
                        Map.of("near", database.jdbcUrl(), "far", far.jdbcUrl("postgres", network)),
                        "lease = 2s",
                        "workers = 2")) {
            PacedTable away = PacedTable.create(far, "away", MANY, BATCH);
            both.register("away", away.job("database: far", "parallelism: 2"));
            soon().until(() -> away.batches() > 4);

            network.down();
            PacedTable here = PacedTable.create(database, "here", 200, BATCH);
            both.register("here", here.job("database: near"));

            both.awaitState("here", "SUCCEEDED");
            network.up();
            long before = away.batches();
            soon().until(() -> away.batches() > before);
        }
    }

    private PacedTable working(String job) throws Exception {
        PacedTable table = PacedTable.create(database, job, MANY, BATCH);
        String yaml = table.job();
        daemon.register(job, yaml);
        soon().until(() -> table.batches() > 1);
        return table;
    }

    private static ConditionFactory soon() {
        return await().dontCatchUncaughtExceptions().atMost(Duration.ofSeconds(60));
    }
}
