package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A server without a free connection, and a role that may have few: what can go on does, the rest waits and goes on by itself. */
@Tag("fault")
class ConnectionsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration RECOVERY = Duration.ofSeconds(8);
    private static final Duration BATCH = Duration.ofMillis(30);
    private static final String NO_CONNECTION = "53300";

    /** What the daemon itself has at most, the monitor among it, and one for a worker. */
    private static final int FEW = 10;

    private static OwnServer server;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestRole role;
    private TestDatabase other;
    private PacedTable elsewhere;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data, "max_connections=30");
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
        role = database.newMonitoringRole();
        database.execute("GRANT CREATE ON DATABASE %s TO %s".formatted(database.name(), role.name()));
        other = TestPostgres.newest().newDatabase();
        elsewhere = PacedTable.create(other, "elsewhere", 30_000, BATCH);
    }

    @AfterEach
    void drop() throws Exception {
        other.close();
        database.close();
    }

    @Test
    void others_take_every_connection_in_mid_run() throws Exception {
        try (Oracle oracle = oracle(20_000);
                Daemon daemon = start()) {
            register(daemon, elsewhere);
            daemon.register(Oracle.JOB, yaml(oracle, 2));
            awaitBatches(oracle, 10);
            try (ConnectionHog hog = ConnectionHog.start(database)) {
                daemon.awaitRun(Oracle.JOB, run -> {
                    endSessions("backfill/%");
                    return waitsForConnection(run);
                });
                assertOthersGoOn(daemon);

                await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> {
                    endSessions("backfill%");
                    return isAway(daemon);
                });
                assertOthersGoOn(daemon);

                hog.free();
                assertRecovers(oracle);
            }
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
        }
    }

    @Test
    void others_have_every_connection_when_the_daemon_starts() throws Exception {
        try (Oracle oracle = oracle(5_000);
                ConnectionHog hog = ConnectionHog.start(database);
                Daemon daemon = start()) {
            daemon.jobFile(directory, "oracle.yaml", yaml(oracle, 2));
            register(daemon, elsewhere);
            await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> isAway(daemon));
            assertOthersGoOn(daemon);

            hog.free();
            assertRecovers(oracle);
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
        }
    }

    @Test
    void a_role_that_may_have_fewer_connections_than_the_run_has_workers() throws Exception {
        database.execute("ALTER ROLE %s CONNECTION LIMIT %d".formatted(role.name(), FEW));
        try (Oracle oracle = oracle(10_000);
                Daemon daemon = start()) {
            daemon.register(Oracle.JOB, yaml(oracle, FEW + 3));
            String refused = "too many connections for role \"" + role.name() + "\"";
            await().atMost(PATIENCE).until(() -> server.log().contains(refused));
            oracle.faultIsOver();

            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
        }
    }

    private Oracle oracle(int rows) throws Exception {
        Oracle oracle = Oracle.create(database, rows);
        database.execute("GRANT SELECT, UPDATE ON t TO " + role.name(), "GRANT INSERT ON audit TO " + role.name());
        return oracle;
    }

    private static String yaml(Oracle oracle, int parallelism) {
        return oracle.yaml(50, BATCH).replace("parallelism: 2", "database: main\nparallelism: " + parallelism);
    }

    private Daemon start() throws Exception {
        return Daemon.start(
                directory, Map.of("main", database.jdbcUrl(role.name()), "other", other.jdbcUrl()), "lease = 2s");
    }

    private void endSessions(String applications) throws Exception {
        database.queryStrings("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role.name()
                + "' AND application_name LIKE '" + applications + "'");
    }

    private static boolean waitsForConnection(JsonNode run) {
        JsonNode hold = run.path("hold");
        return run.path("state").asString("").equals("RUNNING")
                && hold.path("reason").asString("").equals("no-connection")
                && hold.path("detail").asString("").contains(NO_CONNECTION);
    }

    private static boolean isAway(Daemon daemon) {
        return daemon.get("/health/ready")
                .body()
                .path("databases")
                .valueStream()
                .anyMatch(d -> d.path("database").asString().equals("main")
                        && d.path("status").asString().equals("away")
                        && d.path("detail").asString("").contains(NO_CONNECTION));
    }

    private void assertOthersGoOn(Daemon daemon) throws Exception {
        long before = elsewhere.batches();
        for (String path : List.of("/health/live", "/health/ready", "/api/v1/jobs", "/metrics")) {
            assertThat(daemon.get(path).status()).as(path).isEqualTo(200);
        }
        await().atMost(PATIENCE).until(() -> elsewhere.batches() > before + 10);
    }

    private static void assertRecovers(Oracle oracle) throws Exception {
        oracle.faultIsOver();
        Faults.made(Faults.Kind.RESOURCES);
        long free = System.nanoTime();
        awaitBatches(oracle, oracle.batches() + 1);
        Duration recovery = Duration.ofNanos(System.nanoTime() - free);
        System.out.println("a batch was committed " + recovery + " after connections were free");
        assertThat(recovery).isLessThan(RECOVERY);
    }

    private static void awaitBatches(Oracle oracle, long batches) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> oracle.batches() >= batches);
    }

    private static void register(Daemon daemon, PacedTable table) {
        String yaml = table.job("database: other");
        daemon.register(table.name(), yaml);
    }
}
