package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A database that takes no writes in mid-run (25006), as one that was demoted does: sessions are made, and of no use. */
class ReadOnlyDatabaseTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String HELD =
            "backfill_hold_seconds_total\\{backfill=\"fill\",database=\"main\",reason=\"database-down\"} [1-9]";
    private static final int ROWS = 1_000;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestDatabase elsewhere;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        elsewhere = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
        elsewhere.close();
    }

    @Test
    void holds_the_run_which_goes_on_by_itself_once_it_takes_them_again() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", ROWS, Duration.ofMillis(100));
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("fill", table.job("parallelism: 2", "errors: { attempts: 2, quarantine: 100 }"));
            await().atMost(PATIENCE).until(() -> table.batches() > 3);

            elsewhere.execute(
                    "ALTER DATABASE %s SET default_transaction_read_only = on".formatted(database.name()),
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'"
                            .formatted(database.name()));

            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(daemon.metrics()).containsPattern(HELD));
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> { // for a moment in each second it is tried again
                                Daemon.Answer answer = daemon.get("/api/v1/jobs/fill");
                                assertThat(answer.status()).isEqualTo(503);
                                assertThat(answer.body().path("detail").asString())
                                        .contains("in a read-only transaction (SQLSTATE 25006)");
                            });
            assertThat(table.batches()).as("in mid-run").isLessThan(ROWS / PacedTable.BATCH);
            elsewhere.execute("ALTER DATABASE %s RESET default_transaction_read_only".formatted(database.name()));

            daemon.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
        assertThat(database.queryStrings("SELECT \"to\" FROM backfill.event WHERE \"from\" IS NOT NULL ORDER BY id"))
                .containsExactly("RUNNING", "VERIFYING", "SUCCEEDED");
    }
}
