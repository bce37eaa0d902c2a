package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The oldest version that is supported, said to have one core: what runs of one daemon give way to there. */
class OldestSignalsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration FOR_GOOD = Duration.ofHours(1);
    private static final String TAKE = "UPDATE queue SET taken = taken + 1";
    private static final String COMPUTE = "DO $$ BEGIN LOOP END LOOP; END $$";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.version(14).newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void runs_hold_for_waiting_sessions_and_for_busy_cores_and_free_who_waits_for_a_row() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 4_000, Duration.ofMillis(50));
        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()), "databases.main.cores = 1")) {
            daemon.register("fill", table.job());
            daemon.awaitRun("fill", run -> table.batches() > 0);
            holdsForWaitingSessions(daemon);
            holdsForBusyCores(daemon);
            table.batchesLast(Duration.ZERO);
            daemon.awaitState("fill", "SUCCEEDED");
            freesWhoWaitsForARow(daemon);
        }
        table.assertEachRowWasChangedOnce();
    }

    private void holdsForWaitingSessions(Daemon daemon) throws Exception {
        database.execute("CREATE TABLE queue AS SELECT 0 AS taken");
        try (Connection first = database.connect();
                Statement statement = first.createStatement()) {
            first.setAutoCommit(false);
            statement.execute(TAKE);
            try (OtherSessions six = new OtherSessions(database, 6, TAKE, FOR_GOOD)) {
                daemon.awaitRun("fill", run -> holds(daemon, "6 sessions wait for locks; allowed are 5"));
                assertThat(daemon.heldBy("fill")).isEqualTo("lock-storm");
                first.commit();
                daemon.awaitRun("fill", run -> daemon.heldBy("fill").isEmpty());
                six.assertWell();
            }
        }
    }

    private void holdsForBusyCores(Daemon daemon) throws Exception {
        try (OtherSessions two = new OtherSessions(database, 2, COMPUTE, Duration.ZERO)) {
            String busy = "2.00 sessions of others are on each core; allowed are 1.5";
            daemon.awaitRun("fill", run -> holds(daemon, busy));
            assertThat(daemon.heldBy("fill")).isEqualTo("active-sessions");
            two.assertWell();
        }
        daemon.awaitRun("fill", run -> daemon.heldBy("fill").isEmpty());
    }

    private static boolean holds(Daemon daemon, String detail) {
        return daemon.run("fill").path("hold").path("detail").asString("").equals(detail);
    }

    /** Its batch has changed the first row and sleeps on the next; were it not to give way, its time would end it, uncounted. */
    private void freesWhoWaitsForARow(Daemon daemon) throws Exception {
        database.execute(
                "CREATE TABLE slow (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, other int NOT NULL DEFAULT 0)",
                "INSERT INTO slow SELECT generate_series(1, 20)",
                "CREATE TABLE nap AS SELECT 10 AS seconds");
        daemon.register("slow", """
                version: 1
                job: slow
                table: slow
                range: { by: id }
                sql: |
                  UPDATE slow SET n = n + 1
                    + (pg_sleep(CASE id WHEN 2 THEN (SELECT seconds FROM nap) ELSE 0 END) IS NULL)::int WHERE :range
                verify: { remaining: n = 0 }
                batch: { size: 20, min: 20, max: 20 }
                """);
        String changing = "SELECT count(*) FROM pg_stat_activity"
                + " WHERE application_name = 'backfill/slow' AND wait_event = 'PgSleep'";
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> database.queryLong(changing) == 1);
        try (Connection first = database.connect();
                Connection second = database.connect()) {
            List<CompletableFuture<Duration>> waiting =
                    Stream.of(first, second).map(OldestSignalsTest::change).toList();
            assertThat(waiting.stream().map(CompletableFuture::join))
                    .as("the second waits for the first, not for us")
                    .allSatisfy(
                            waited -> assertThat(waited).isBetween(Duration.ofMillis(300), Duration.ofMillis(1_500)));
            database.execute("UPDATE nap SET seconds = 0");
        }
        daemon.awaitState("slow", "SUCCEEDED");
        assertThat(daemon.metrics())
                .containsPattern("backfill_lock_victims_total\\{backfill=\"slow\",database=\"main\"} [1-9]");
        assertThat(database.queryStrings(
                        "SELECT concat_ws(' ', n, other, count(*)) FROM slow GROUP BY n, other ORDER BY 1"))
                .containsExactly("1 0 19", "1 2 1");
    }

    private static CompletableFuture<Duration> change(Connection application) {
        return CompletableFuture.supplyAsync(
                () -> {
                    long begun = System.nanoTime();
                    try (Statement statement = application.createStatement()) {
                        statement.execute("UPDATE slow SET other = other + 1 WHERE id = 1");
                        return Duration.ofNanos(System.nanoTime() - begun);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                },
                command -> new Thread(command).start());
    }
}
