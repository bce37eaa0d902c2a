package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.Step.Cell;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestStandby;
import dev.backfill.orchestrator.testing.Trap;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server that crashes, restarts, ends sessions or is replaced by its standby under a run: each row is changed once. */
@Tag("fault")
class ServerFaultTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(30);
    private static final Duration LONG_BATCH = Duration.ofMillis(300);
    private static final Duration RECOVERY = Duration.ofSeconds(5);
    private static final int RESTARTS = 5;
    private static final int ENDED_SESSIONS = 40;

    private static OwnServer server;

    @TempDir
    private Path directory;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    /** With the default lease of 15 s: at most 5 s after the server accepts connections, in the median, work goes on. */
    @Test
    void crashes_and_restarts_in_mid_run() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase();
                Oracle oracle = Oracle.create(database, 20_000);
                Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
            daemon.register(Oracle.JOB, oracle.yaml(250, LONG_BATCH));
            List<Duration> afterCrashes = new ArrayList<>();
            List<Duration> afterRestarts = new ArrayList<>();
            for (int restart = 0; restart < RESTARTS; restart++) {
                afterCrashes.add(restartInMidBatch(database, oracle, false));
                afterRestarts.add(restartInMidBatch(database, oracle, true));
            }
            new Recoveries(afterCrashes).assertMedianAtMost(RECOVERY, "a crash of the database");
            new Recoveries(afterRestarts).assertMedianAtMost(RECOVERY, "a restart of the database in order");

            finish(daemon, oracle);
        }
    }

    /** From when the server accepts connections until each slice that was worked has gone on. */
    private static Duration restartInMidBatch(TestDatabase database, Oracle oracle, boolean inOrder) throws Exception {
        awaitMoreBatches(oracle, 2);
        String begun =
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backfill/%s' AND wait_event = 'PgSleep'"
                                .formatted(Oracle.JOB)
                        + " AND clock_timestamp() - query_start < interval '%d ms'"
                                .formatted(LONG_BATCH.dividedBy(2).toMillis());
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> database.queryLong(begun) > 0);
        List<String> under = database.queryStrings(
                "SELECT number || ' after ' || batches FROM backfill.slice WHERE state = 'RUNNING'");
        restart(inOrder);
        long accepting = System.nanoTime();
        oracle.faultIsOver();
        String stand =
                "SELECT count(*) FROM backfill.slice WHERE state <> 'DONE' AND number || ' after ' || batches IN ('"
                        + String.join("', '", under) + "')";
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> database.queryLong(stand) == 0);
        return Duration.ofNanos(System.nanoTime() - accepting);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_restart_while_the_count_waits_for_others(boolean inOrder) throws Exception {
        try (TestDatabase database = server.postgres().newDatabase();
                Oracle oracle = Oracle.create(database, 2_000);
                Daemon daemon = Daemon.start(directory, database);
                Connection open = database.connect()) {
            open.setAutoCommit(false);
            open.createStatement().execute("CREATE TABLE other ()"); // the count waits for its end
            daemon.register(Oracle.JOB, oracle.yaml(100, BATCH));
            daemon.awaitState(Oracle.JOB, "VERIFYING");

            restart(inOrder);

            finish(daemon, oracle);
        }
    }

    /** The same as below in short. */
    @Test
    void restarts_at_some_steps_of_a_run() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase();
                FaultProxy network = FaultProxy.to(database.server());
                Oracle oracle = Oracle.create(database, 2_000);
                Daemon daemon = start(database, network)) {
            List<Trap> traps = new ArrayList<>();
            for (Step step : List.of(Step.BEGIN, Step.CLAIM, Step.CHECKPOINT, Step.PROOF)) {
                traps.addAll(restartsAt(network, step::commit));
            }
            daemon.jobFile(directory, "oracle.yaml", oracle.yaml(50, BATCH));
            awaitSprung(traps);
            finish(daemon, oracle);
        }
    }

    private Daemon start(TestDatabase database, FaultProxy network) throws IOException {
        return Daemon.start(directory, Map.of("main", database.jdbcUrl(TestPostgres.SUPERUSER, network)), "lease = 2s");
    }

    /** It crashes before it has what is sent, which is lost; it ends in order before the answer, and what was done holds. */
    @Tag("storm")
    @Test
    void restarts_at_each_step_of_a_run() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase();
                FaultProxy network = FaultProxy.to(database.server());
                Oracle oracle = Oracle.create(database, 12_000);
                Daemon daemon = start(database, network)) {
            List<Trap> first = new ArrayList<>();
            for (Step step : List.of(Step.REGISTRATION, Step.START, Step.BEGIN, Step.CLAIM, Step.CHECKPOINT)) {
                first.addAll(restartsAt(network, step::commit));
            }
            daemon.jobFile(directory, "oracle.yaml", oracle.yaml(50, BATCH));
            awaitSprung(first);

            List<Trap> held = restartsAt(network, Step.HOLD::at);
            awaitDone(daemon, "/api/v1/pause");
            awaitSprung(held);
            awaitDone(daemon, "/api/v1/resume");

            for (Moment moment : List.of(Moment.BEFORE, Moment.AFTER)) {
                List<Trap> paused = List.of(restartAt(network, Step.CHANGE_OF_STATE.commit(moment)));
                awaitDone(daemon, "/api/v1/jobs/" + Oracle.JOB + "/pause");
                awaitSprung(paused);
                awaitDone(daemon, "/api/v1/jobs/" + Oracle.JOB + "/resume");
            }

            List<Trap> last = new ArrayList<>(restartsAt(network, Step.END_OF_THE_WORK::commit));
            last.addAll(restartsAt(network, Step.COUNT::at));
            last.addAll(restartsAt(network, Step.PROOF::commit));
            awaitSprung(last);
            finish(daemon, oracle);

            List<Trap> check = new ArrayList<>(restartsAt(network, Step.ASKING_FOR_A_CHECK::commit));
            check.addAll(restartsAt(network, Step.END_OF_A_CHECK::commit));
            awaitDone(daemon, "/api/v1/jobs/" + Oracle.JOB + "/verify");
            awaitSprung(check);
            await().atMost(PATIENCE)
                    .until(() -> database.queryStrings("SELECT concat_ws(' ', state, check_asked) FROM backfill.run")
                            .equals(List.of("SUCCEEDED")));
            assertThat(database.queryStrings("SELECT remaining FROM backfill.proof"))
                    .containsExactly("0", "0");
        }
    }

    /** Some rows let themselves be changed in the second pass alone. */
    @Tag("storm")
    @Test
    void restarts_as_a_further_pass_begins() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase();
                FaultProxy network = FaultProxy.to(database.server());
                Oracle oracle = Oracle.create(database, 2_000);
                Daemon daemon = start(database, network)) {
            database.execute(
                    "CREATE FUNCTION not_yet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                            + " IF (SELECT pass FROM backfill.run) = 1 THEN RETURN NULL; END IF; RETURN NEW; END'",
                    "CREATE TRIGGER not_yet BEFORE UPDATE ON t FOR EACH ROW"
                            + " WHEN (OLD.counter < NEW.counter AND NEW.id % 20 = 0) EXECUTE FUNCTION not_yet()");
            List<Trap> traps = restartsAt(network, Step.FURTHER_PASS::commit);
            String update = "update: { set: { counter: counter + 1 }, where: (SELECT pg_sleep(0.03)) IS NOT NULL }";
            daemon.jobFile(directory, "oracle.yaml", oracle.yaml(50, BATCH).replaceFirst("(?m)^sql: .*$", update));
            awaitSprung(traps);
            finish(daemon, oracle);
            assertThat(database.queryLong("SELECT pass FROM backfill.run")).isEqualTo(2);
        }
    }

    private static List<Trap> restartsAt(FaultProxy network, Function<Moment, Cell> step) {
        return List.of(restartAt(network, step.apply(Moment.BEFORE)), restartAt(network, step.apply(Moment.AFTER)));
    }

    private static Trap restartAt(FaultProxy network, Cell cell) {
        return network.at(cell.moment(), cell.statement(), 1, () -> {
            System.out.println("restart " + cell);
            restart(cell.moment() == Moment.AFTER);
        });
    }

    private static synchronized void restart(boolean inOrder) {
        try {
            if (inOrder) {
                server.stop();
            } else {
                server.crash();
            }
            server.startAgain();
            Faults.made(Faults.Kind.SERVER);
        } catch (IOException | InterruptedException | SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static void awaitSprung(List<Trap> traps) throws InterruptedException {
        for (Trap trap : traps) {
            trap.awaitSprung(PATIENCE);
        }
    }

    /** Asks until it is answered that it is done: a server that is away is none. */
    private static void awaitDone(Daemon daemon, String path) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> daemon.post(path).status() == 200);
    }

    @Test
    void any_session_of_the_program_is_ended_at_any_moment() throws Exception {
        Random random = Seed.random("ended sessions");
        try (TestDatabase database = server.postgres().newDatabase();
                Oracle oracle = Oracle.create(database, 30_000);
                Daemon daemon = Daemon.start(directory, database)) {
            daemon.register(Oracle.JOB, oracle.yaml(100, BATCH));
            awaitMoreBatches(oracle, 5);
            int ended = 0;
            while (ended < ENDED_SESSIONS) {
                Thread.sleep(random.nextInt(200));
                assertThat(daemon.state(Oracle.JOB))
                        .as("%s ended; away now", ended)
                        .isIn("RUNNING", "");
                List<String> sessions = database.queryStrings("SELECT pid FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND application_name LIKE 'backfill%'"
                        + " ORDER BY application_name, backend_start");
                if (!sessions.isEmpty()) {
                    String chosen = sessions.get(random.nextInt(sessions.size()));
                    ended += (int) database.queryLong("SELECT pg_terminate_backend(" + chosen + ")::int");
                    Faults.made(Faults.Kind.SERVER);
                }
            }

            finish(daemon, oracle);
        }
    }

    /** What only the lost primary knew is lost with it, checkpoint and rows together. */
    @Test
    void the_standby_takes_over_without_the_last_commits() throws Exception {
        try (TestStandby servers = TestStandby.start(directory.resolve("servers"))) {
            TestDatabase database = servers.primary().newDatabase();
            TestDatabase after = database.on(servers.standby());
            try (Oracle oracle = Oracle.create(database, 20_000);
                    Daemon daemon = Daemon.start(
                            directory,
                            Map.of("main", servers.urlOfThePrimary(database.name())),
                            "lease = 2s",
                            "database-defaults.throttle { replication-drain = off, replication-lag = off,"
                                    + " standby-missing = off, standby-stale = off }")) {
                daemon.register(Oracle.JOB, oracle.yaml(50, BATCH));
                awaitMoreBatches(oracle, 20);
                servers.freezeReceiver();
                awaitMoreBatches(oracle, 20);
                long known = oracle.batches();
                servers.killPrimary();
                servers.killReceiver();
                servers.promote();
                Faults.made(Faults.Kind.SERVER);
                oracle.movesTo(after);
                oracle.faultIsOver();
                assertThat(oracle.batches())
                        .as("batches that the standby knows of")
                        .isLessThan(known);

                daemon.awaitState(Oracle.JOB, "SUCCEEDED");
                oracle.assertExactlyOnce();
            }
        }
    }

    private static void awaitMoreBatches(Oracle oracle, int more) throws Exception {
        long before = oracle.batches();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> oracle.batches() >= before + more);
    }

    private static void finish(Daemon daemon, Oracle oracle) throws Exception {
        oracle.faultIsOver();
        await().atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> daemon.state(Oracle.JOB).equals("SUCCEEDED"));
        oracle.assertExactlyOnce();
    }
}
