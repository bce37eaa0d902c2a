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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a job says of its pace, and what an operator changes of it while a run is under way. */
class TunedRunsTest {

    private static final Duration BATCH = Duration.ofMillis(50);
    private static final int MANY = 40_000;
    private static final String WORKERS = "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING'";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void more_workers_come_and_those_that_are_too_many_go() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", MANY, BATCH);
        try (Daemon one = daemon("one");
                Daemon two = daemon("two")) {
            one.register("fill", table.job("parallelism: 1"));
            soon().until(() -> table.batches() > 2);
            assertThat(database.queryLong(WORKERS)).isOne();

            tune(one, "{\"parallelism\": 5}");
            soon().until(() -> database.queryLong(WORKERS) == 5);
            table.batchesLast(Duration.ofMillis(300)); // so that no slice comes to its end meanwhile
            tune(two, "{\"parallelism\": 2}");
            soon().until(() -> database.queryLong(WORKERS) == 2);
            Thread.sleep(2_000);
            assertThat(database.queryLong(WORKERS)).isLessThanOrEqualTo(2);
            assertThat(one.get("/api/v1/events?job=fill").body().toString()).contains("tuned");

            table.batchesLast(Duration.ZERO);
            one.awaitState("fill", "SUCCEEDED");
            assertThat(one.patch("/api/v1/jobs/fill/tuning", "{\"weight\": 2}").status())
                    .isEqualTo(409);
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void those_that_are_too_many_take_nothing_from_others_after_a_hold() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 20_000, BATCH);
        PacedTable other = PacedTable.create(database, "other", 2_000, BATCH);
        try (Daemon one = daemon("one", "databases.main.max-workers = 6")) {
            one.register("fill", table.job("parallelism: 6"));
            one.register("other", other.job());
            soon().until(() -> other.batches() > 2 && table.batches() > 6);
            tune(one, "{\"parallelism\": 1}");
            soon().until(() -> working("fill") <= 1);
            one.post("/api/v1/pause");
            Thread.sleep(1_500);
            one.post("/api/v1/resume");
            long held = table.batches();
            one.awaitRun("fill", run -> reason(run).isEmpty() && table.batches() > held);
            long before = other.batches();
            for (int i = 0; i < 30; i++) {
                Thread.sleep(100);
                assertThat(reason(one.run("fill"))).isEmpty();
            }
            assertThat(other.batches() - before).isGreaterThan(15);
            table.batchesLast(Duration.ZERO);
            other.batchesLast(Duration.ZERO);
            one.awaitState("fill", "SUCCEEDED");
            one.awaitState("other", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    private long working(String job) throws SQLException {
        return database.queryLong(
                "SELECT count(*) FROM backfill.slice s JOIN backfill.run r ON r.id = s.run WHERE s.state = 'RUNNING' AND r.job = '"
                        + job + "'");
    }

    @Test
    void a_ceiling_is_of_the_whole_run_and_can_be_lifted() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", MANY, Duration.ZERO);
        try (Daemon one = daemon("one");
                Daemon two = daemon("two")) {
            one.register("fill", table.job("parallelism: 4").replace("max: 20 }", "max: 20, rows-per-second: 400 }"));
            soon().until(() -> table.batches() > 2);
            Thread.sleep(2_000);
            long before = table.batches();
            long begun = System.nanoTime();
            Thread.sleep(6_000);
            double rows = (table.batches() - before) * PacedTable.BATCH / ((System.nanoTime() - begun) / 1e9);
            assertThat(rows).isBetween(200.0, 440.0);

            tune(two, "{\"batch\": {\"rows-per-second\": null}}");
            one.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void wal_has_a_ceiling_of_its_own() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", MANY, Duration.ZERO);
        try (Daemon one = daemon("one")) {
            one.register("fill", table.job().replace("max: 20 }", "max: 20, wal-per-second: 100kB }"));
            soon().until(() -> table.batches() > 2);
            Thread.sleep(2_000);
            String written = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
            long before = database.queryLong(written);
            Thread.sleep(5_000);
            assertThat((database.queryLong(written) - before) / 5).isBetween(20_000L, 130_000L);

            tune(one, "{\"batch\": {\"wal-per-second\": \"500MB\"}}");
            one.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_job_gives_way_to_what_it_says_and_a_signal_that_is_unknown_is_refused() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 2_000, BATCH);
        try (Daemon one = daemon("one", "databases.main.throttle.long-transaction = on");
                Connection open = database.connect()) {
            assertThat(one.put("/api/v1/jobs/fill", table.job("throttle: { archive-backlock: off }"))
                            .body()
                            .toString())
                    .contains("unknown key archive-backlock")
                    .contains("archive-backlog");
            open.setAutoCommit(false);
            open.createStatement().execute("SELECT 1");
            one.register("fill", table.job("throttle: { long-transaction: { hold: 100ms } }"));
            one.awaitRun("fill", run -> reason(run).equals("long-transaction"));

            assertThat(one.patch(
                                    "/api/v1/jobs/fill/tuning",
                                    "{\"throttle\": {\"long-transaction\": {\"hold\": \"soon\"}}}")
                            .body()
                            .path("detail")
                            .asString())
                    .contains("throttle.long-transaction.hold must be a duration", "nothing was changed");
            one.awaitRun("fill", run -> run.path("hold").path("limit").asDouble(0) == 0.1);
            tune(one, "{\"throttle\": {\"long-transaction\": \"off\"}}");
            table.batchesLast(Duration.ZERO);
            one.awaitState("fill", "SUCCEEDED");
            open.rollback();
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    void a_check_hears_of_it_too() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", 400, Duration.ZERO);
        try (Daemon one = daemon("one");
                Connection writing = database.connect();
                Connection open = database.connect()) {
            database.execute("CREATE TABLE w (n int)");
            writing.setAutoCommit(false);
            writing.createStatement().execute("INSERT INTO w VALUES (1)");
            one.register("fill", table.job());
            one.awaitRun("fill", run -> reason(run).equals("open-transactions"));
            open.setAutoCommit(false);
            open.createStatement().execute("SELECT 1");
            tune(one, "{\"throttle\": {\"long-transaction\": {\"hold\": \"10ms\"}}}");
            soon().until(() -> database.queryLong("SELECT count(*) FROM backfill.tuning") == 1);
            Thread.sleep(2_500);
            writing.rollback();
            one.awaitRun("fill", run -> reason(run).equals("long-transaction"));
            assertThat(one.state("fill")).isEqualTo("VERIFYING");

            tune(one, "{\"throttle\": {\"long-transaction\": \"off\"}}");
            one.awaitState("fill", "SUCCEEDED");
            open.rollback();
        }
    }

    @Test
    void while_others_keep_the_cores_busy_one_worker_is_left() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", MANY, BATCH);
        List<Connection> busy = new ArrayList<>();
        try (Daemon one = daemon("one", "databases.main.cores = 2")) {
            one.register("fill", table.job("parallelism: 4"));
            soon().until(() -> database.queryLong(WORKERS) == 4);
            for (int i = 0; i < 2; i++) {
                Connection session = database.connect();
                busy.add(session);
                Thread thread = new Thread(() -> keepBusy(session), "busy");
                thread.setDaemon(true);
                thread.start();
            }
            soon().until(() -> database.queryLong(WORKERS) <= 1);
            for (int i = 0; i < 20; i++) {
                Thread.sleep(100);
                assertThat(database.queryLong(WORKERS)).isLessThanOrEqualTo(1);
            }
            for (Connection session : busy) {
                session.abort(Runnable::run);
            }
            database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%generate_series%'"
                            + " AND pid <> pg_backend_pid() AND datname = current_database()");
            soon().until(() -> database.queryLong(WORKERS) == 4);
            table.batchesLast(Duration.ZERO);
            one.awaitState("fill", "SUCCEEDED");
        }
        table.assertEachRowWasChangedOnce();
    }

    @Test
    @Tag("storm")
    void runs_share_the_only_worker_by_weight() throws Exception {
        PacedTable light = PacedTable.create(database, "light", MANY, BATCH);
        PacedTable heavy = PacedTable.create(database, "heavy", MANY, BATCH);
        try (Daemon one = daemon("one", "databases.main.max-workers = 1")) {
            one.register("light", light.job("weight: 1"));
            one.register("heavy", heavy.job("weight: 4"));
            soon().until(() -> light.batches() > 0 && heavy.batches() > 0);
            long ofLight = light.batches();
            long ofHeavy = heavy.batches();
            Thread.sleep(20_000);
            double ratio = (double) (heavy.batches() - ofHeavy) / (light.batches() - ofLight);
            assertThat(ratio).isBetween(2.0, 8.0);
        }
    }

    private static void keepBusy(Connection session) {
        try (Statement statement = session.createStatement()) {
            statement.execute("SELECT count(*) FROM generate_series(1, 10000) a, generate_series(1, 100000) b");
        } catch (SQLException e) {
            assertThat(e.getMessage()).as("it is ended").isNotNull();
        }
    }

    private Daemon daemon(String name, String... lines) throws Exception {
        List<String> all = new ArrayList<>(List.of(lines));
        all.add("lease = 2s");
        return Daemon.start(directory.resolve(name), Map.of("main", database.jdbcUrl()), all.toArray(String[]::new));
    }

    private static void tune(Daemon daemon, String change) {
        Daemon.Answer answer = daemon.patch("/api/v1/jobs/fill/tuning", change);
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
    }

    private static String reason(JsonNode run) {
        return run.path("hold").path("reason").asString("");
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(40)).pollInterval(Duration.ofMillis(50));
    }
}
