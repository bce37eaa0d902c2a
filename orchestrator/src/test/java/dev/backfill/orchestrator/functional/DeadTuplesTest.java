package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A run gives way to the dead rows of its table until vacuum has removed them. */
class DeadTuplesTest {

    private static final String SIGNAL = "dead-tuples";
    private static final int ROWS = 4_000;

    /** What the server counts; it does so a little later than they die. */
    private static final String PER_CENT_DEAD =
            "SELECT 100 * n_dead_tup / greatest(n_dead_tup + n_live_tup, 1) FROM pg_stat_all_tables WHERE relname = 'fill'";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void above_a_fifth_it_is_slow_and_finishes(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            create(database);
            database.execute("DELETE FROM fill WHERE id > 2800");
            soon().until(() -> database.queryLong(PER_CENT_DEAD) == 30);
            try (Daemon daemon = daemon(database)) {
                daemon.register("fill", job(0.05));
                soon().until(() ->
                        daemon.signal(SIGNAL).path("verdict").asString("").equals("slow"));
                assertThat(daemon.signal(SIGNAL).path("value").asDouble()).isEqualTo(0.3);
                assertThat(daemon.signal(SIGNAL).path("source").asString()).isEqualTo("public.fill");
                assertThat(daemon.signal(SIGNAL).path("limit").asDouble()).isEqualTo(0.4);
                daemon.awaitState("fill", "SUCCEEDED");
            }
            assertEachRowWasChangedOnce(database, 2_800);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void above_two_fifths_it_holds_until_vacuum_has_brought_them_below_a_tenth(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            create(database);
            database.execute("DELETE FROM fill WHERE id > 2200");
            soon().until(() -> database.queryLong(PER_CENT_DEAD) == 45);
            try (Daemon daemon = daemon(database)) {
                daemon.register("fill", job(0));
                daemon.awaitRun(
                        "fill",
                        run -> run.path("hold").path("detail").asString("").contains("dead"));
                assertThat(daemon.heldBy("fill")).isEqualTo(SIGNAL);
                JsonNode hold = daemon.run("fill").path("hold");
                assertThat(hold.path("value").asDouble()).isEqualTo(0.45);
                assertThat(hold.path("limit").asDouble()).isEqualTo(0.4);
                assertThat(hold.path("detail").asString())
                        .isEqualTo("public.fill: 0.45 of the rows of the table are dead; allowed are 0.4");

                database.execute(
                        "INSERT INTO fill SELECT generate_series(10001, 100000, 10), 1"); // 0.14: below slow, above
                // resume
                soon().until(() -> daemon.signal(SIGNAL).path("value").asDouble() < 0.2);
                await().during(Duration.ofSeconds(2))
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> daemon.heldBy("fill").equals(SIGNAL));
                assertThat(daemon.run("fill").path("rows").path("scanned").asLong())
                        .isZero();

                database.execute("VACUUM fill");
                daemon.awaitState("fill", "SUCCEEDED");
            }
            assertEachRowWasChangedOnce(database, 11_200);
        }
    }

    /** Nobody vacuums it by hand: autovacuum is enough, whatever an application does meanwhile. */
    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_hot_table_is_held_up_and_finishes(int version) throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        try (OwnServer server =
                        OwnServer.startWithSmallWal(version, directory.resolve("server"), "autovacuum_naptime=1s");
                TestDatabase database = server.postgres().newDatabase()) {
            create(database);
            database.execute("UPDATE fill SET other = other + 1");
            soon().until(() -> database.queryLong(PER_CENT_DEAD) > 40);
            try (Daemon daemon = daemon(database);
                    Connection application = database.connect()) {
                CompletableFuture<Long> writing = CompletableFuture.supplyAsync(() -> write(application, over));
                daemon.register("fill", job(0.02));
                daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals(SIGNAL));
                database.execute("ALTER TABLE fill SET (autovacuum_enabled = on)");
                daemon.awaitState("fill", "SUCCEEDED");
                over.set(true);
                assertThat(writing.join()).as("statements of the application").isGreaterThan(10);
            }
            assertEachRowWasChangedOnce(database, ROWS);
            assertThat(database.queryLong("SELECT autovacuum_count FROM pg_stat_all_tables WHERE relname = 'fill'"))
                    .isPositive();
        } finally {
            over.set(true);
        }
    }

    /** Ten rows at a time, twenty times a second at the most. */
    private static long write(Connection session, AtomicBoolean over) {
        try (Statement statement = session.createStatement()) {
            long statements = 0;
            while (!over.get()) {
                statement.execute("UPDATE fill SET other = other + 1 WHERE id % 400 = " + statements % 400);
                statement.execute("SELECT pg_sleep(0.05)");
                statements++;
            }
            return statements;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A table of which a job changes one row of ten, so that it makes few dead rows itself. */
    private static void create(TestDatabase database) throws SQLException {
        database.execute(
                "CREATE TABLE fill (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, other int NOT NULL DEFAULT 0)"
                        + " WITH (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0.05)",
                "INSERT INTO fill SELECT i, (i %% 10 <> 0)::int FROM generate_series(1, %d) AS i".formatted(ROWS));
        soon().until(() ->
                database.queryLong("SELECT n_live_tup FROM pg_stat_all_tables WHERE relname = 'fill'") == ROWS);
        database.execute("VACUUM ANALYZE fill"); // what the other session has counted is counted
        soon().until(() -> database.queryLong(PER_CENT_DEAD) == 0);
    }

    private static String job(double seconds) {
        return """
                version: 1
                job: fill
                table: fill
                range: { by: id }
                sql: UPDATE fill SET n = n + 1 WHERE :range AND id %% 10 = 0 AND (SELECT pg_sleep(%s)) IS NOT NULL
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 100, max: 100 }
                """.formatted(seconds);
    }

    private Daemon daemon(TestDatabase database) throws Exception {
        return Daemon.start(
                directory.resolve("daemon"),
                Map.of("main", database.jdbcUrl()),
                "databases.main.throttle.dead-tuples = on");
    }

    private static void assertEachRowWasChangedOnce(TestDatabase database, int rows) throws SQLException {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM fill GROUP BY n"))
                .containsExactly("1 x " + rows);
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
