package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import tools.jackson.databind.JsonNode;

/** Runs give way to what is read of a database's health, and say to what. */
class SignalsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final int ROWS = 4_000;

    @TempDir
    private static Path servers;

    private static OwnServer server;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeAll
    static void start() throws Exception {
        server = OwnServer.start(servers, "archive_mode=on");
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, other int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT generate_series(1, %d)".formatted(ROWS),
                "ANALYZE c");
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void ddl_that_waits_for_the_table_is_let_through() throws Exception {
        try (Daemon daemon = daemon();
                Connection reader = database.connect();
                Connection session = database.connect()) {
            daemon.register("count", yaml(0.1));
            awaitScanned(daemon, 200);
            reader.setAutoCommit(false);
            execute(reader, "SELECT count(*) FROM c").join();
            int pid = session.unwrap(PGConnection.class).getBackendPID();
            CompletableFuture<Void> altered = execute(session, "ALTER TABLE c ADD COLUMN m int");
            daemon.awaitRun(
                    "count", run -> hold(run).path("reason").asString("").equals("lock-storm"));
            assertThat(hold(daemon.run("count")).path("detail").asString())
                    .startsWith("public.c: DDL waits for the table (pid " + pid + " (")
                    .contains(" wants AccessExclusiveLock and waits for pid ");
            assertThat(altered).isNotDone();

            reader.rollback();
            altered.join();
            daemon.awaitState("count", "SUCCEEDED");
        }
        assertEachRowOnce();
    }

    @Test
    void an_archiver_that_fails_holds_and_is_seen_everywhere() throws Exception {
        database.execute("ALTER SYSTEM SET archive_command = 'false'", "SELECT pg_reload_conf()");
        await().atMost(PATIENCE).until(() -> {
            database.execute("SELECT pg_logical_emit_message(false, '', '')", "SELECT pg_switch_wal()");
            String failing = "SELECT count(*) FROM pg_stat_archiver WHERE last_failed_time"
                    + " > coalesce(last_archived_time, '-infinity')";
            return database.queryLong(failing) == 1;
        });
        try (Daemon daemon = daemon()) {
            daemon.register("count", yaml(0.01));
            daemon.awaitRun(
                    "count", run -> hold(run).path("reason").asString("").equals("archive-backlog"));
            JsonNode held = hold(daemon.run("count"));
            assertThat(held.path("signal").asString()).isEqualTo("archive-backlog");
            assertThat(held.path("detail").asString()).startsWith("the archiver fails since ");
            assertThat(held.path("limit").asDouble()).isEqualTo(64);
            assertThat(signal(daemon, "archive-backlog").path("verdict").asString())
                    .isEqualTo("hold");
            assertThat(signal(daemon, "lock-storm").path("verdict").asString()).isEqualTo("go");
            assertThat(daemon.metrics())
                    .contains(
                            "backfill_hold{backfill=\"count\",database=\"main\",reason=\"archive-backlog\"} 1.0",
                            "backfill_pace_ratio{database=\"main\",governor=\"archive-backlog\"} 0.0",
                            "backfill_signal_limit{database=\"main\",signal=\"archive-backlog\",source=\"\"} 64.0",
                            "backfill_signal_up{database=\"main\",signal=\"archive-backlog\",source=\"\"} 1.0");

            database.execute("ALTER SYSTEM SET archive_command = 'true'", "SELECT pg_reload_conf()");
            await().atMost(PATIENCE)
                    .until(() -> daemon.run("count").path("state").asString().equals("SUCCEEDED"));
        }
        assertEachRowOnce();
    }

    @Test
    void an_old_transaction_slows_down_and_then_holds() throws Exception {
        try (Daemon daemon =
                        daemon("databases.main.throttle.long-transaction { slow = 100ms, hold = 5s, resume = 1s }");
                Connection other = database.connect()) {
            other.setAutoCommit(false);
            execute(other, "SELECT pg_sleep(0.2)").join();
            daemon.register("count", yaml(0.4));
            await().atMost(PATIENCE)
                    .until(() -> signal(daemon, "long-transaction")
                            .path("verdict")
                            .asString("")
                            .equals("slow"));
            assertThat(daemon.get("/api/v1/databases")
                            .body()
                            .path("databases")
                            .path(0)
                            .path("pace")
                            .asDouble())
                    .isBetween(0.1, 0.999);
            daemon.awaitRun(
                    "count", run -> hold(run).path("reason").asString("").equals("long-transaction"));
            assertThat(hold(daemon.run("count")).path("detail").asString())
                    .matches(
                            "the oldest transaction of somebody else has been open for 1\\d s; allowed are 5 \\(pid \\d+ .*\\)");
            other.rollback();
            daemon.awaitState("count", "SUCCEEDED");
        }
        assertEachRowOnce();
    }

    /** Alone a statement takes far longer than anybody should wait for it. */
    @Test
    void who_waits_for_a_batch_is_free_within_a_second() throws Exception {
        database.execute(
                "ALTER TABLE c SET (autovacuum_enabled = off)", // it would find a table too small to go by its key
                "DELETE FROM c WHERE id > 200");
        AtomicBoolean over = new AtomicBoolean();
        List<Duration> writes = new CopyOnWriteArrayList<>();
        try (Daemon daemon = daemon();
                Connection first = database.connect();
                Connection second = database.connect()) {
            daemon.register("count", yaml(0).replace("n + 1 WHERE", "n + 1 + (pg_sleep(0.025) IS NULL)::int WHERE"));
            List<CompletableFuture<Void>> writing = Stream.of(
                            first, second) // the second waits for the first, not for us
                    .map(application -> CompletableFuture.runAsync(() -> {
                        while (!over.get()) {
                            long begun = System.nanoTime();
                            execute(application, "UPDATE c SET other = other + 1 WHERE id % 50 = 25")
                                    .join();
                            writes.add(Duration.ofNanos(System.nanoTime() - begun));
                        }
                    }))
                    .toList();
            daemon.awaitState("count", "SUCCEEDED");
            over.set(true);
            writing.forEach(CompletableFuture::join);
            Duration longest = Collections.max(writes);
            long waits = writes.stream().filter(took -> took.toMillis() > 300).count();
            System.out.printf("%d waited, the longest for %d ms%n", waits, longest.toMillis());
            assertThat(waits)
                    .as("times that the application waited; each batch after is smaller")
                    .isPositive();
            assertThat(longest).isLessThanOrEqualTo(Duration.ofSeconds(1));
            assertThat(daemon.metrics())
                    .containsPattern("backfill_lock_victims_total\\{backfill=\"count\",database=\"main\"} [1-9]")
                    .containsPattern("backfill_hold_seconds_total\\{.*reason=\"lock-waits\"} [1-9]");
        }
        assertThat(database.queryStrings("SELECT concat_ws(' ', n, count(*)) FROM c GROUP BY n"))
                .containsExactly("1 200");
    }

    @Test
    void the_check_gives_way_too() throws Exception {
        database.execute("DELETE FROM c WHERE id > 400");
        try (Daemon daemon = daemon();
                Connection session = database.connect()) {
            daemon.register(
                    "count", yaml(0).replace("remaining: n = 0", "remaining: n = 0 OR (pg_sleep(0.01) IS NULL)"));
            daemon.awaitState("count", "VERIFYING");
            String counting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> database.queryLong(counting) == 1);
            long begun = System.nanoTime();
            execute(session, "ALTER TABLE c ADD COLUMN m int").join();
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isBetween(Duration.ofMillis(300), Duration.ofSeconds(1));
            daemon.awaitState("count", "SUCCEEDED");
        }
    }

    private Daemon daemon(String... settings) throws Exception {
        return Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()), settings);
    }

    private static String yaml(double seconds) {
        return """
                version: 1
                job: count
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(%s)) IS NOT NULL
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 100, max: 100 }
                """.formatted(seconds);
    }

    private void awaitScanned(Daemon daemon, long rows) {
        await().atMost(PATIENCE)
                .until(() -> daemon.run("count").path("rows").path("scanned").asLong(0) >= rows);
    }

    private static JsonNode hold(JsonNode run) {
        return run.path("hold");
    }

    private static JsonNode signal(Daemon daemon, String word) throws Exception {
        for (JsonNode signal :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (signal.path("signal").asString().equals(word)) {
                return signal;
            }
        }
        throw new AssertionError("no signal " + word);
    }

    private static CompletableFuture<Void> execute(Connection session, String sql) {
        return CompletableFuture.runAsync(() -> {
            try (Statement statement = session.createStatement()) {
                statement.execute(sql);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void assertEachRowOnce() throws Exception {
        assertThat(database.queryStrings("SELECT concat_ws(' ', n, count(*)) FROM c GROUP BY n"))
                .containsExactly("1 " + ROWS);
    }
}
