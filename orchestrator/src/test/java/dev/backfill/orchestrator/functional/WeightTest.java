package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What runs weigh in different processes. */
class WeightTest {

    @TempDir
    private Path directory;

    @Test
    void a_run_leaves_more_to_a_heavier_one_of_another_process_while_there_is_not_enough() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute("""
                    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$
                    """);
            for (String table : new String[] {"light", "heavy"}) {
                database.execute(
                        "CREATE TABLE %s (id int PRIMARY KEY, n int NOT NULL)".formatted(table),
                        "INSERT INTO %s SELECT g, 0 FROM generate_series(1, 100000) AS g".formatted(table),
                        "CREATE TRIGGER slow BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION slow()".formatted(table),
                        "ANALYZE " + table);
            }
            try (Daemon daemon = Daemon.start(
                    directory,
                    Map.of("main", database.jdbcUrl()),
                    "databases.main.throttle.sql.load { query = \"SELECT 2\", every = 1s, slow = 1, hold = 10 }")) {
                daemon.register("light", job("light", 1));
                soon().until(() -> changed(database, "light") > 300);

                Path file = Files.writeString(directory.resolve("heavy.yaml"), job("heavy", 16));
                try (BackfillProcess other =
                        BackfillProcess.start("run", file.toString(), "--database", database.jdbcUrl())) {
                    soon().until(() -> changed(database, "heavy") > 1_000);
                    long light = changed(database, "light");
                    long heavy = changed(database, "heavy");
                    soon().until(() -> changed(database, "heavy") > heavy + 3_000);

                    assertThat(changed(database, "light") - light).isLessThan(1_000);
                    assertThat(other.isAlive()).isTrue();
                }
                soon().until(() -> secondsOfRows(database) > 300);
                daemon.say("cancel", "light");
            }
        }
    }

    private static long secondsOfRows(TestDatabase database) throws Exception {
        long before = changed(database, "light");
        Thread.sleep(1_000);
        return changed(database, "light") - before;
    }

    private static long changed(TestDatabase database, String job) throws Exception {
        return database.queryLong(
                "SELECT coalesce(sum(rows_scanned), 0) FROM backfill.slice s JOIN backfill.run r ON r.id = s.run"
                        + " WHERE r.job = '" + job + "'");
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
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
                batch: { size: 50, max: 50, min: 50 }
                """.formatted(name, weight);
    }
}
