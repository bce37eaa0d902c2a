package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches are as short as the transactions of an application while one is at work, and long when it is not. */
class BriefBatchesTest {

    private static final int ROWS = 900_000;
    private static final int LARGE = 5_000;
    private static final int SMALL = 1_000;
    private static final String WORKERS = "backfill_workers_active{backfill=\"fill\",database=\"main\"} ";
    private static final String NINE_OF_TEN_BATCHES = "SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY rows) FROM"
            + " (SELECT count(*) AS rows FROM t GROUP BY xmin) AS batch";
    private static final String JOB = """
            version: 1
            job: fill
            table: t
            range: { by: id }
            update:
              set: { n: n + 1 }
              where: "true"
            batch: { rows-per-second: 20000 }
            verify: none
            """;

    @TempDir
    private Path directory;

    @Test
    void batches_are_short_while_an_application_is_at_work() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database);
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", JOB);
                soon().until(() -> size(daemon) > LARGE);

                try (OtherSessions application = application(database, 2)) {
                    Thread.sleep(2_500);
                    application.assertWell();
                    assertThat(verdict(daemon)).as("two are no application").isEqualTo("go");
                }
                try (OtherSessions application = application(database, 6)) {
                    soon().until(() -> verdict(daemon).equals("slow"));
                    soon().until(() -> size(daemon) > 0 && size(daemon) < SMALL);
                    assertThat(daemon.run("fill").path("hold").isNull())
                            .as("nothing holds")
                            .isTrue();
                    application.assertWell();
                }
                soon().until(() -> size(daemon) > LARGE);
                daemon.say("cancel", "fill");
            }
            assertThat(database.queryLong("SELECT max(n) FROM t")).isOne();
        }
    }

    @Test
    void two_workers_make_brief_batches_beside_an_application_until_all_is_done() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database);
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()));
                    OtherSessions application = application(database, 6)) {
                soon().until(() -> verdict(daemon).equals("slow"));
                daemon.register("fill", JOB + "parallelism: 2\n");
                soon().until(daemon::metrics, page -> page.contains(WORKERS + "2.0"));
                assertThat(daemon.patch("/api/v1/jobs/fill/tuning", "{\"batch\": {\"rows-per-second\": null}}")
                                .status())
                        .isEqualTo(200);
                daemon.awaitState("fill", "SUCCEEDED");
                application.assertWell();
                assertThat(verdict(daemon)).isEqualTo("slow");
            }
            assertThat(database.queryLong("SELECT count(*) FROM t WHERE n = 1")).isEqualTo(ROWS);
            assertThat(database.queryLong(NINE_OF_TEN_BATCHES))
                    .as("rows of a batch, of whichever worker")
                    .isLessThan(SMALL);
        }
    }

    private static OtherSessions application(TestDatabase database, int sessions) throws Exception {
        return new OtherSessions(database, sessions, "SELECT 1", Duration.ofMillis(100));
    }

    private static void create(TestDatabase database) throws Exception {
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL) WITH (autovacuum_enabled = off)",
                "INSERT INTO t SELECT g, 0 FROM generate_series(1, " + ROWS + ") AS g",
                "ANALYZE t");
    }

    private static ConditionFactory soon() {
        return await().pollInterval(Duration.ofMillis(50)).atMost(Duration.ofSeconds(30));
    }

    private static double size(Daemon daemon) throws Exception {
        return daemon.metrics()
                .lines()
                .filter(line -> line.startsWith("backfill_batch_size{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElse(0);
    }

    private static String verdict(Daemon daemon) {
        for (var signal :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("signals")) {
            if (signal.path("signal").asString().equals("foreground")) {
                return signal.path("verdict").asString();
            }
        }
        return "";
    }
}
