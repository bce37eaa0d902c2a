package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The report of a run tells what it has waited for, whom it made wait, and what it leaves behind. */
class ReportTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int ROWS = 400;

    private static final String JOB = """
            version: 1
            job: fill
            table: c
            range: { by: id }
            sql: UPDATE c SET n = n + 1 WHERE :range
            verify: { remaining: n = 0 }
            batch: { size: 20, min: 1, max: 20 }
            parallelism: 2
            """;

    @TempDir
    private Path directory;

    @Test
    void it_tells_holds_victims_and_dead_rows_of_two_daemons() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            create(database);
            try (Daemon one = daemon("one", database);
                    Daemon other = daemon("other", database)) {
                one.register("fill", JOB);
                await().atMost(PATIENCE).until(() -> database.queryLong("SELECT count(*) FROM c WHERE n = 1") > 0);
                assertThat(one.post("/api/v1/pause").status()).isEqualTo(200);
                one.awaitRun("fill", run -> one.heldBy("fill").equals("stopped"));
                long since = System.nanoTime();
                String path = "/api/v1/runs/" + one.run("fill").path("id").asString() + "/report";
                await().atMost(PATIENCE)
                        .until(() -> one.get(path).body().at("/held/0/seconds").asDouble() > 4);
                assertThat(one.post("/api/v1/resume").status()).isEqualTo(200);
                double stood = (System.nanoTime() - since) / 1e9;
                waitForRowsOfABatch(database);
                database.execute("UPDATE linger SET seconds = 0");
                one.awaitState("fill", "SUCCEEDED");
                await().atMost(PATIENCE)
                        .until(() ->
                                one.get(path).body().at("/lock-victims/count").asInt() > 0);

                assertTells(other.get(path).body(), stood);
            }
        }
    }

    /** Batches keep their rows locked for as long as the table linger says. */
    private static void create(TestDatabase database) throws Exception {
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0) WITH (autovacuum_enabled = off)",
                "INSERT INTO c SELECT generate_series(1, %d)".formatted(ROWS),
                "ANALYZE c",
                "CREATE TABLE linger AS SELECT CAST(0.2 AS float) AS seconds",
                """
                CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF current_setting('application_name') LIKE 'backfill%' THEN
                        PERFORM pg_sleep((SELECT seconds FROM linger));
                    END IF;
                    RETURN NULL;
                END $$
                """,
                "CREATE TRIGGER linger AFTER UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION linger()");
    }

    /** Until a batch has given way. */
    private static void waitForRowsOfABatch(TestDatabase database) throws Exception {
        database.execute("UPDATE linger SET seconds = 3");
        try (Connection victim = database.connect();
                Statement statement = victim.createStatement()) {
            victim.setAutoCommit(false);
            await().atMost(PATIENCE).until(() -> {
                statement.execute("UPDATE c SET n = n");
                victim.rollback();
                return database.queryLong("SELECT count(*) FROM backfill.tally WHERE measure = 'victims'") > 0;
            });
        }
    }

    private static void assertTells(JsonNode report, double stood) {
        assertThat(report.path("job").asString()).isEqualTo("fill");
        assertThat(report.path("state").asString()).isEqualTo("SUCCEEDED");
        assertThat(report.at("/rows/changed").asInt()).isEqualTo(ROWS);
        assertThat(report.at("/held/0/reason").asString()).as("%s", report).isEqualTo("stopped");
        assertThat(report.at("/held/0/seconds").asDouble())
                .as("once, though two daemons were held: %s", report)
                .isCloseTo(stood, within(2.0));
        assertThat(report.path("seconds").asDouble())
                .isGreaterThan(report.at("/held/0/seconds").asDouble());
        assertThat(report.path("rate").asDouble()).isBetween(1.0, ROWS / 4.0);
        assertThat(report.at("/batches/committed").asInt()).isGreaterThanOrEqualTo(ROWS / 20);
        assertThat(report.at("/batches/split").asInt()
                        + report.at("/batches/retried").asInt())
                .isPositive();
        assertThat(report.at("/lock-victims/freed-within").asDouble()).isBetween(0.0, 1.0);
        assertThat(report.path("worst-lag").isNull()).as("no standby").isTrue();
        assertThat(report.at("/tables/0/table").asString()).isEqualTo("c");
        assertThat(report.at("/tables/0/dead").asInt()).isPositive();
        assertThat(report.at("/tables/0/advice").asString())
                .isEqualTo("autovacuum is off here: run VACUUM (ANALYZE) c");
    }

    private Daemon daemon(String name, TestDatabase database) throws Exception {
        return Daemon.start(
                Files.createDirectory(directory.resolve(name)), Map.of("main", database.jdbcUrl()), "lease = 2s");
    }
}
