package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An ordinary server that has the function of Aurora by which it says how far its readers are behind; the lag is what a table
 * says.
 */
class ReadersOfOneStorageTest {

    private static final int ROWS = 20_000;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.version(14).newDatabase();
        database.execute(
                "ALTER DATABASE \"" + database.name() + "\" SET rds.extensions = 'amcheck, aurora_stat_utils'",
                """
                CREATE TABLE reader (server_id text, session_id text, replica_lag_in_msec double precision,
                                     last_update_timestamp timestamptz)
                """,
                """
                INSERT INTO reader VALUES ('writer', 'MASTER_SESSION_ID', 0, NULL), ('reader-1', 'a', 12, now()),
                                          ('gone', 'b', 99999, now() - interval '1 hour'), ('new', 'c', NULL, now())
                """,
                """
                CREATE FUNCTION pg_catalog.aurora_replica_status() RETURNS SETOF public.reader LANGUAGE sql
                AS $$ SELECT server_id, session_id, replica_lag_in_msec,
                             CASE server_id WHEN 'reader-1' THEN clock_timestamp() ELSE last_update_timestamp END
                      FROM public.reader $$
                """);
        CountedTable.create(database, ROWS);
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_run_slows_down_and_holds_as_a_reader_falls_behind() throws Exception {
        try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
            Path job = CounterJob.by(Counters.Order.ID)
                    .statement("UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(0.04)) IS NOT NULL")
                    .parallelism(1)
                    .largestBatch(100)
                    .in(directory);
            daemon.put("/api/v1/jobs/count", Files.readString(job));
            daemon.awaitRun("count", run -> run.path("rows").path("scanned").asLong(0) > 500);
            assertThat(daemon.metrics())
                    .contains("signal=\"replication-lag\",source=\"reader-1\"} 0.012")
                    .doesNotContain("source=\"gone\"", "source=\"writer\"", "source=\"new\"");

            lag(2_000);
            await().atMost(PATIENCE).until(() -> pace(daemon), pace -> pace > 0 && pace < 0.9);

            lag(6_000);
            daemon.awaitRun(
                    "count", run -> run.path("hold").path("reason").asString("").equals("replication-lag"));
            assertThat(daemon.run("count").path("hold").path("detail").asString())
                    .isEqualTo("standby reader-1 is 6.0 s behind; allowed are 5.0 s");

            lag(5);
            long before = scanned(daemon);
            await().atMost(PATIENCE).until(() -> scanned(daemon) > before + 500);
            daemon.say("cancel", "count");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.standby"))
                    .as("readers come and go")
                    .isZero();
        }
        assertThat(database.queryLong("SELECT max(n) FROM c")).isOne();
    }

    private static long scanned(Daemon daemon) {
        return daemon.run("count").path("rows").path("scanned").asLong(0);
    }

    private static double pace(Daemon daemon) {
        return daemon.get("/api/v1/databases")
                .body()
                .path("databases")
                .path(0)
                .path("pace")
                .asDouble();
    }

    private void lag(int milliseconds) throws Exception {
        database.execute("UPDATE reader SET replica_lag_in_msec = " + milliseconds + " WHERE server_id = 'reader-1'");
    }
}
