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

/** A run has as many workers as are worth having. */
class RampedRunTest {

    private static final String WORKERS =
            "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND lease_until > clock_timestamp()";
    private static final Duration LONGER_THAN_A_TRIAL = Duration.ofSeconds(6);
    private static final String ROWS = "SELECT sum(rows_scanned) FROM backfill.slice";
    private static final String JOB = """
            version: 1
            job: fill
            table: t
            range: { by: id }
            update:
              set: { n: n + 1 }
              where: "true"
            parallelism: 3
            batch: { size: 20, min: 10 }
            verify: none
            """;

    @TempDir
    private Path directory;

    @Test
    void workers_that_only_wait_for_each_other_rest() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL) WITH (autovacuum_enabled = off)",
                    "INSERT INTO t SELECT g, 0 FROM generate_series(1, 300000) AS g",
                    "CREATE TABLE turns (one_by_one boolean)",
                    "INSERT INTO turns VALUES (false)",
                    """
                    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
                    DECLARE one_by_one boolean := (SELECT t.one_by_one FROM turns AS t);
                    BEGIN
                      IF one_by_one THEN PERFORM pg_advisory_lock(1); END IF;
                      PERFORM pg_sleep(0.001);
                      IF one_by_one THEN PERFORM pg_advisory_unlock(1); END IF;
                      RETURN NEW;
                    END $$
                    """,
                    "CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()",
                    "ANALYZE t");
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", JOB);
                soon().until(() -> database.queryLong(WORKERS) == 3);
                soon().during(LONGER_THAN_A_TRIAL).until(() -> database.queryLong(WORKERS) == 3);

                database.execute("UPDATE turns SET one_by_one = true");
                soon().during(LONGER_THAN_A_TRIAL).until(() -> {
                    long workers = database.queryLong(WORKERS);
                    return workers == 1 || workers == 2;
                });
                long rows = database.queryLong(ROWS);
                soon().until(() -> database.queryLong(ROWS) > rows + 100);

                daemon.say("cancel", "fill");
            }
            assertThat(database.queryLong("SELECT max(n) FROM t")).isOne();
        }
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
