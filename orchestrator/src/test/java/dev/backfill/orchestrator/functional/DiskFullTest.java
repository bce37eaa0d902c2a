package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Volume;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A server whose disk is full: the run waits and says so, and goes on by itself once there is room. */
@Tag("fault")
@EnabledIf("dev.backfill.orchestrator.testing.Volume#isPossible")
class DiskFullTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration A_WHILE = Duration.ofSeconds(6);
    private static final Duration RECOVERY = Duration.ofSeconds(8);
    private static final Duration BATCH = Duration.ofMillis(20);
    private static final int MEGABYTES = 160;
    private static final long A_BIT = 512 * 1024;
    private static final String NO_SPACE = "No space left on device";

    @TempDir
    private Path directory;

    private Volume volume;

    @BeforeEach
    void mount() throws Exception {
        volume = Volume.mount(Files.createDirectory(directory.resolve("volume")), MEGABYTES);
    }

    @AfterEach
    void unmount() throws Exception {
        volume.close();
    }

    /** The rows and the own tables are on the disk that is full, the WAL is not. No hold can be written down then. */
    @Test
    void there_is_no_room_for_the_tables() throws Exception {
        try (OwnServer server = OwnServer.start(directory);
                TestDatabase database = onVolume(server);
                Oracle oracle = Oracle.create(database, 20_000);
                Daemon daemon = Daemon.start(directory, database)) {
            daemon.register(Oracle.JOB, oracle.yaml(100, BATCH));
            awaitBatches(oracle, 10);
            refuseHolds(database);

            volume.fill(A_BIT);
            daemon.awaitRun(Oracle.JOB, DiskFullTest::isHeld);
            long batches = oracle.batches();
            await().dontCatchUncaughtExceptions()
                    .during(A_WHILE)
                    .atMost(A_WHILE.plusSeconds(5))
                    .until(() ->
                            isHeld(daemon.run(Oracle.JOB)) && status(daemon).equals("ready"));
            assertThat(oracle.batches()).isEqualTo(batches);
            assertThat(volume.free()).isLessThan(A_BIT);
            assertThat(server.log()).contains(NO_SPACE, "no hold is written");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                    .isZero();

            volume.clear();
            assertRecovers(oracle);
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
        }
    }

    /** The server ends itself when it cannot write its WAL, and cannot come back before there is room. */
    @Test
    void there_is_no_room_for_the_wal() throws Exception {
        String[] settings = {
            "wal_keep_size=0", "max_wal_size=48MB", "min_wal_size=32MB", "wal_recycle=off", "wal_init_zero=on"
        };
        try (OwnServer server = OwnServer.start(directory, settings)) {
            server.movesItsWalTo(volume);
            try (TestDatabase database = server.postgres().newDatabase();
                    Oracle oracle = Oracle.create(database, 20_000);
                    Daemon daemon = Daemon.start(directory, database)) {
                daemon.register(Oracle.JOB, oracle.yaml(100, BATCH));
                awaitBatches(oracle, 10);

                volume.fill(A_BIT);
                assertThatThrownBy(() -> database.execute("CREATE TABLE other AS SELECT repeat('x', 1000) AS x"
                                + " FROM generate_series(1, 100000)"))
                        .isInstanceOf(SQLException.class);
                await().atMost(PATIENCE).until(() -> server.log().contains("PANIC"));
                await().atMost(PATIENCE).until(() -> !status(daemon).equals("ready"));
                assertThat(daemon.put("/api/v1/jobs/" + Oracle.JOB, oracle.yaml(100, BATCH))
                                .status())
                        .isEqualTo(503);
                assertThat(daemon.process().isAlive()).isTrue();

                volume.clear();
                server.awaitsAnswerOrStarts();
                assertRecovers(oracle);
                daemon.awaitState(Oracle.JOB, "SUCCEEDED");
                oracle.assertExactlyOnce();
            }
        }
    }

    private TestDatabase onVolume(OwnServer server) throws Exception {
        Path tables = Files.createDirectory(volume.path().resolve("tables"));
        TestPostgres postgres = server.postgres();
        TestDatabase database = postgres.newDatabase();
        try (TestDatabase administrator = postgres.newDatabase()) {
            administrator.execute("CREATE TABLESPACE small LOCATION '" + tables + "'");
            administrator.execute("ALTER DATABASE " + database.name() + " SET TABLESPACE small");
        }
        return database;
    }

    /** A page with room would take one: the full disk is made certain of. */
    private static void refuseHolds(TestDatabase database) throws SQLException {
        database.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " RAISE SQLSTATE '53100' USING MESSAGE = 'no hold is written'; END $$",
                "CREATE TRIGGER refuse BEFORE UPDATE OF hold ON backfill.run FOR EACH ROW"
                        + " WHEN (NEW.hold ->> 'reason' = 'disk-full') EXECUTE FUNCTION refuse()");
    }

    private static boolean isHeld(JsonNode run) {
        return run.path("state").asString("").equals("RUNNING")
                && run.path("hold").path("reason").asString("").equals("disk-full")
                && run.path("hold").path("detail").asString("").contains(NO_SPACE);
    }

    private static String status(Daemon daemon) {
        return daemon.get("/health/ready").body().at("/databases/0/status").asString();
    }

    private static void assertRecovers(Oracle oracle) throws Exception {
        oracle.faultIsOver();
        Faults.made(Faults.Kind.RESOURCES);
        long begun = System.nanoTime();
        awaitBatches(oracle, oracle.batches() + 1);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(RECOVERY);
    }

    private static void awaitBatches(Oracle oracle, long batches) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> oracle.batches() >= batches);
    }
}
