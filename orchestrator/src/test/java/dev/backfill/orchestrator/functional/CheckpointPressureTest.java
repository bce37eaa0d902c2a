package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A run gives way to checkpoints that come because of WAL, until they come because of time. */
@Tag("storm")
class CheckpointPressureTest {

    private static final String SIGNAL = "checkpoint-pressure";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void it_is_slow_and_with_a_limit_of_its_own_holds_until_one_comes_in_time(int version) throws Exception {
        try (OwnServer server = OwnServer.startWithSmallWal(
                        version,
                        directory.resolve("server"),
                        "max_wal_size=4MB",
                        "min_wal_size=2MB",
                        "wal_keep_size=0",
                        "checkpoint_timeout=30s",
                        "autovacuum=off");
                TestDatabase database = server.postgres().newDatabase()) {
            PacedTable slow = PacedTable.create(database, "slow", 400, Duration.ofMillis(50));
            PacedTable held = PacedTable.create(database, "held", 400, Duration.ZERO);
            soon().until(() -> requested(database) > 0);
            try (Daemon daemon = daemon(database)) {
                soon().until(() -> daemon.signal(SIGNAL).path("up").asBoolean(false));
                requestSome(database);
                daemon.register("slow", slow.job());
                soon().until(() ->
                        daemon.signal(SIGNAL).path("verdict").asString("").equals("slow"));
                JsonNode main =
                        daemon.get("/api/v1/databases").body().path("databases").path(0);
                assertThat(main.path("pace").asDouble()).isEqualTo(0.5);
                assertThat(daemon.signal(SIGNAL).path("value").asDouble()).isGreaterThan(0.5);
                daemon.awaitState("slow", "SUCCEEDED");

                requestSome(database);
                daemon.register("held", held.job("throttle: { checkpoint-pressure: { hold: 60%, resume: 50% } }"));
                daemon.awaitRun("held", run -> daemon.heldBy("held").equals(SIGNAL));
                JsonNode hold = daemon.run("held").path("hold");
                assertThat(hold.path("value").asDouble()).isGreaterThan(0.6);
                assertThat(hold.path("limit").asDouble()).isEqualTo(0.6);
                assertThat(hold.path("detail").asString())
                        .endsWith("of the checkpoints were requested, because WAL came too fast; allowed are 0.6");
                assertThat(held.batches()).isZero();

                daemon.awaitState("held", "SUCCEEDED"); // the next one is due within half a minute
                assertThat(daemon.signal(SIGNAL).path("value").asDouble()).isLessThanOrEqualTo(0.5);
            }
            slow.assertEachRowWasChangedOnce();
            held.assertEachRowWasChangedOnce();
        }
    }

    /** Fills WAL until it has made the server begin checkpoints. */
    private static void requestSome(TestDatabase database) throws SQLException {
        long before = requested(database);
        while (requested(database) < before + 5) {
            database.execute("SELECT pg_logical_emit_message(false, '', 'x')", "SELECT pg_switch_wal()");
        }
    }

    private static long requested(TestDatabase database) throws SQLException {
        boolean hasView =
                database.queryLong("SELECT count(*) FROM pg_class WHERE relname = 'pg_stat_checkpointer'") > 0;
        return database.queryLong(
                hasView
                        ? "SELECT num_requested FROM pg_stat_checkpointer"
                        : "SELECT checkpoints_req FROM pg_stat_bgwriter");
    }

    private Daemon daemon(TestDatabase database) throws Exception {
        return Daemon.start(
                directory.resolve("daemon"),
                Map.of("main", database.jdbcUrl()),
                "databases.main.throttle.checkpoint-pressure = on");
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
