package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A run gives way to a replication slot that keeps much WAL. */
class SlotRetentionTest {

    private static final String JOB = """
            version: 1
            job: fill
            table: t
            range: { by: id }
            update:
              set: { n: n + 1 }
              where: "true"
            batch: { size: 100, max: 100, rows-per-second: 100 }
            verify: none
            """;

    @TempDir
    private Path directory;

    @Test
    void a_run_slows_down_holds_and_goes_on_once_the_consumer_has_caught_up() throws Exception {
        try (OwnServer server = OwnServer.start(directory.resolve("server"), "wal_level=logical");
                TestDatabase database = server.postgres().newDatabase()) {
            create(database);
            try (Daemon daemon = Daemon.start(
                    directory,
                    Map.of("main", database.jdbcUrl()),
                    "databases.main.throttle.slot-retention.hold = 40MB")) {
                daemon.register("fill", JOB);
                soon().until(() ->
                        daemon.run("fill").path("rows").path("scanned").asLong() > 100);

                write(database, 28);
                soon().until(() -> pace(daemon) > 0.1 && pace(daemon) < 0.9);

                write(database, 28);
                soon().until(() -> daemon.run("fill")
                        .path("hold")
                        .path("reason")
                        .asString("")
                        .equals("slot-retention"));

                database.execute("SELECT pg_replication_slot_advance('consumer', pg_current_wal_lsn())");
                soon().until(() -> pace(daemon) == 1);
                daemon.say("cancel", "fill");
            }
        }
    }

    @Test
    void a_slot_that_is_nearly_lost_holds_a_run_whatever_it_keeps() throws Exception {
        try (OwnServer server = OwnServer.start(
                        directory.resolve("server"),
                        "wal_level=logical",
                        "max_slot_wal_keep_size=128MB",
                        "wal_keep_size=0");
                TestDatabase database = server.postgres().newDatabase()) {
            create(database);
            try (Daemon daemon = Daemon.start(
                    directory, Map.of("main", database.jdbcUrl()), "databases.main.throttle.slot-retention = on")) {
                daemon.register("fill", JOB);
                soon().until(() ->
                        daemon.run("fill").path("rows").path("scanned").asLong() > 100);
                write(database, 90);
                daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals("slot-retention"));
                assertThat(daemon.run("fill").path("hold").path("detail").asString())
                        .containsPattern("consumer: the slot is lost after \\d+ bytes more");

                database.execute("SELECT pg_drop_replication_slot('consumer')");
                soon().until(() -> daemon.heldBy("fill").isEmpty());
                daemon.say("cancel", "fill");
            }
        }
    }

    private static void create(TestDatabase database) throws Exception {
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)",
                "INSERT INTO t SELECT g, 0 FROM generate_series(1, 100000) AS g",
                "CREATE TABLE ballast (text text)",
                "SELECT pg_create_logical_replication_slot('consumer', 'test_decoding')");
    }

    /** So many megabytes of WAL that cannot be compressed. */
    private static void write(TestDatabase database, int megabytes) throws Exception {
        database.execute("""
                INSERT INTO ballast SELECT string_agg(md5(random()::text), '') FROM generate_series(1, %d) AS g,
                    generate_series(1, 32) AS h GROUP BY g
                """.formatted(megabytes * 1_000));
    }

    private static double pace(Daemon daemon) {
        for (JsonNode governor :
                daemon.get("/api/v1/databases").body().path("databases").path(0).path("governors")) {
            if (governor.path("governor").asString().equals("slot-retention")) {
                return governor.path("pace").asDouble();
            }
        }
        return -1;
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(200));
    }
}
