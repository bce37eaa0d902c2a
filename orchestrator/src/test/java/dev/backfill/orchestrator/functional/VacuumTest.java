package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import tools.jackson.databind.JsonNode;

/** A run gives way to a vacuum of its table: by half its pace, and wholly where that is against wraparound. */
class VacuumTest {

    private static final String SIGNAL = "autovacuum";
    private static final String ON = "databases.main.throttle.autovacuum = on";
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final String VACUUMS =
            "SELECT pid FROM pg_stat_progress_vacuum WHERE relid = 'fill'::regclass AND datname = current_database()";

    /** The median of the time from the begin of a batch to that of the next. */
    private static final String MEDIAN_MILLIS = """
            SELECT CAST(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS int)
            FROM (SELECT extract(epoch FROM began - lag(began) OVER (ORDER BY began)) AS seconds
                  FROM (SELECT DISTINCT began FROM fill) AS batch) AS step
            """;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void beside_a_vacuum_of_its_table_a_run_has_half_its_pace_and_finishes(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            PacedTable table = wideTable(database, "autovacuum_enabled = off");
            try (Connection session = database.connect();
                    Daemon daemon = daemon(database, TestPostgres.SUPERUSER)) {
                CompletableFuture<Void> vacuum = vacuumSlowly(session);
                soon().until(() -> database.queryStrings(VACUUMS).size() == 1);
                daemon.register("fill", table.job("parallelism: 1"));
                soon().until(() -> table.batches() > 2);
                assertThat(daemon.signal(SIGNAL).path("source").asString()).isEqualTo("public.fill");
                assertThat(daemon.signal(SIGNAL).path("value").asDouble()).isEqualTo(1);
                assertThat(daemon.signal(SIGNAL).path("verdict").asString()).isEqualTo("slow");
                assertThat(daemon.heldBy("fill")).isEmpty();

                daemon.awaitState("fill", "SUCCEEDED");
                assertThat(vacuum).as("it is at work all the time").isNotDone();
                assertThat(database.queryLong(MEDIAN_MILLIS)).isGreaterThanOrEqualTo(2 * BATCH.toMillis());
                session.unwrap(PGConnection.class).cancelQuery();
                vacuum.exceptionally(cancelled -> null).join();
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void once_the_vacuum_is_over_it_has_its_full_pace_again(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            PacedTable table = wideTable(database, "autovacuum_enabled = off");
            try (Connection session = database.connect();
                    Daemon daemon = daemon(database, TestPostgres.SUPERUSER)) {
                CompletableFuture<Void> vacuum = vacuumSlowly(session);
                soon().until(() -> database.queryStrings(VACUUMS).size() == 1);
                table.batchesLast(Duration.ofMillis(500));
                daemon.register("fill", table.job("parallelism: 1"));
                soon().until(() ->
                        daemon.signal(SIGNAL).path("verdict").asString("").equals("slow"));
                session.unwrap(PGConnection.class).cancelQuery();
                vacuum.exceptionally(cancelled -> null).join();
                soon().until(() ->
                        daemon.signal(SIGNAL).path("verdict").asString("").equals("go"));

                table.batchesLast(BATCH);
                daemon.awaitState("fill", "SUCCEEDED");
            }
            String least = "SELECT CAST(min(extract(epoch FROM later.began - one.began)) * 1000 AS int)"
                    + " FROM fill one JOIN fill later ON later.id = one.id + 20";
            assertThat(database.queryLong(least)).isLessThan(2 * BATCH.toMillis());
            table.assertEachRowWasChangedOnce();
        }
    }

    /** A true one: autovacuum begins it because the table's oldest transaction is as old as its setting allows. */
    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void while_autovacuum_works_against_wraparound_a_run_holds(int version) throws Exception {
        try (OwnServer server =
                        OwnServer.startWithSmallWal(version, directory.resolve("server"), "autovacuum_naptime=1s");
                TestDatabase database = server.postgres().newDatabase()) {
            PacedTable table = wideTable(
                    database,
                    "autovacuum_enabled = off, autovacuum_freeze_max_age = 100000, autovacuum_freeze_min_age = 0,"
                            + " autovacuum_freeze_table_age = 0, autovacuum_vacuum_cost_delay = 100,"
                            + " autovacuum_vacuum_cost_limit = 1");
            TestRole role = database.newMonitoringRole();
            database.execute(
                    "GRANT SELECT, UPDATE ON fill TO " + role.name(),
                    "GRANT SELECT ON pace TO " + role.name(),
                    "CREATE SCHEMA backfill AUTHORIZATION " + role.name());
            database.execute(
                    "DO $$ BEGIN FOR i IN 1..100500 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
            try (Daemon daemon = daemon(database, role.name());
                    Connection owner = database.connect()) {
                soon().until(() -> database.queryStrings(VACUUMS).size() == 1);
                String pid = database.queryStrings(VACUUMS).get(0);
                daemon.register("fill", table.job());
                daemon.awaitRun(
                        "fill",
                        run -> run.path("hold").path("detail").asString("").contains("wraparound"));
                JsonNode hold = daemon.run("fill").path("hold");
                assertThat(hold.path("reason").asString()).isEqualTo(SIGNAL);
                assertThat(hold.path("detail").asString())
                        .isEqualTo("public.fill: vacuum against wraparound is at work (pid " + pid + ")");
                assertThat(table.batches()).isZero();

                CompletableFuture<Void> hurried = execute(
                        owner, "ALTER TABLE fill RESET (autovacuum_vacuum_cost_delay, autovacuum_vacuum_cost_limit)");
                soon().until(() -> database.queryLong("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1);
                database.execute("SELECT pg_terminate_backend(" + pid + ")"); // the next one does not rest
                hurried.join();
                daemon.awaitState("fill", "SUCCEEDED");
                String age = "SELECT age(relfrozenxid) FROM pg_class WHERE oid = 'fill'::regclass";
                soon().until(() -> database.queryLong(age) < 100_000);
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    /** One whose vacuum has many pages to do. */
    private static PacedTable wideTable(TestDatabase database, String options) throws SQLException {
        PacedTable table = PacedTable.create(database, "fill", 600, BATCH);
        database.execute(
                "ALTER TABLE fill SET (" + options + ")",
                "ALTER TABLE fill ADD COLUMN filler text",
                "UPDATE fill SET filler = repeat('x', 1500)");
        return table;
    }

    private static CompletableFuture<Void> vacuumSlowly(Connection session) {
        execute(session, "SET vacuum_cost_delay = 100").join();
        execute(session, "SET vacuum_cost_limit = 1").join();
        return execute(session, "VACUUM fill");
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

    private Daemon daemon(TestDatabase database, String user) throws Exception {
        return Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl(user)), ON);
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
