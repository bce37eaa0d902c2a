package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.ReplayLimit;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several runs beside one standby that replays slowly. */
class SharedHealthTest {

    private static final int ROWS = 100_000;
    private static final double BUDGET = 5;
    private static final String LAG =
            "SELECT CAST(coalesce(max(extract(epoch FROM replay_lag)), 0) * 1000 AS bigint) FROM pg_stat_replication";

    @TempDir
    private static Path servers;

    private static TestStandby standby;
    private static ReplayLimit replay;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeAll
    static void start() throws Exception {
        standby = TestStandby.start(servers, "autovacuum=off", "full_page_writes=off", "max_wal_size=4GB");
        replay = ReplayLimit.of(servers.resolve("standby"));
    }

    @AfterAll
    static void stop() throws Exception {
        replay.close();
        standby.close();
    }

    @BeforeEach
    void create() throws Exception {
        replay.to(1);
        database = standby.primary().newDatabase();
        for (String table : new String[] {"a", "b"}) {
            database.execute(
                    "CREATE TABLE %s (id int PRIMARY KEY, n int NOT NULL, note text)".formatted(table),
                    "INSERT INTO %s SELECT g, 0, repeat('x', 1900) FROM generate_series(1, %d) AS g"
                            .formatted(table, ROWS),
                    "ANALYZE " + table);
        }
        replay.to(0.1);
    }

    @AfterEach
    void drop() throws Exception {
        replay.to(1);
        database.close();
    }

    @Test
    void daemons_that_know_nothing_of_each_other_keep_its_budget_together() throws Exception {
        try (Daemon one = Daemon.start(directory.resolve("one"), Map.of("main", database.jdbcUrl()));
                Daemon two = Daemon.start(directory.resolve("two"), Map.of("main", database.jdbcUrl()))) {
            one.register("a", job("a", 1));
            two.register("b", job("b", 1));
            double worst = 0;
            awaitEndOfOvershoot(one, "a");
            awaitEndOfOvershoot(two, "b");
            for (int look = 0; look < 40; look++) {
                Thread.sleep(200);
                worst = Math.max(worst, database.queryLong(LAG) / 1e3);
            }

            assertThat(worst).isLessThan(BUDGET);
            assertThat(changed("a")).isPositive();
            assertThat(changed("b")).isPositive();
            assertThat(one.metrics() + two.metrics())
                    .as("it is slower than they are")
                    .containsPattern("backfill_hold_seconds_total\\{.*reason=\"replication-drain\"");
        }
    }

    @Test
    void runs_of_one_daemon_share_what_it_takes_by_weight() throws Exception {
        try (Daemon one = Daemon.start(directory.resolve("one"), Map.of("main", database.jdbcUrl()))) {
            one.register("a", job("a", 1));
            one.register("b", job("b", 16));
            await().atMost(Duration.ofMinutes(2)).until(() -> one.state("b").equals("SUCCEEDED"));
            long light = changed("a");
            System.out.printf("of %d rows the light run had done %d when the heavy one had done all%n", ROWS, light);

            assertThat(light)
                    .isBetween(1L, (long) (0.7 * ROWS)); // both were fast before it was known how fast the standby is
        }
    }

    /** How fast the standby is was not known before; its only worker moves again once what it wrote too much is applied. */
    private void awaitEndOfOvershoot(Daemon daemon, String job) throws SQLException {
        daemon.awaitRun(job, run -> run.path("hold").path("detail").asString("").contains(TestStandby.NAME));
        long held = changed(job);
        daemon.awaitRun(job, run -> changed(job) > held);
    }

    private long changed(String job) throws SQLException {
        return database.queryLong(
                "SELECT coalesce(sum(rows_scanned), 0) FROM backfill.slice JOIN backfill.run r ON r.id = run"
                        + " WHERE job = '" + job + "'");
    }

    private static String job(String name, int weight) {
        return """
                version: 1
                job: %1$s
                table: %1$s
                range: { by: id }
                sql: UPDATE %1$s SET n = n + 1 WHERE :range
                verify: none
                weight: %2$d
                batch: { target: 20ms }
                """.formatted(name, weight);
    }
}
