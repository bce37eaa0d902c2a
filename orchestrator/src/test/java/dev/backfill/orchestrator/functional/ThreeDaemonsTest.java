package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three daemons on one database: all work, and each of them may go, stand still, or be replaced. */
@Tag("fault")
class ThreeDaemonsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration LOOK = Duration.ofMillis(10);
    private static final Duration BATCH = Duration.ofMillis(80);

    /** With the default lease of 15 s. */
    private static final Duration AT_MOST_UNTIL_TAKEN_OVER = Duration.ofSeconds(20);

    private static final String IDLE_FOR_LONG = "database-defaults.session.idle-in-transaction-timeout = off";

    /** What the server says of a batch that is not let finish. */
    private static final String[] BATCHES_CUT_SHORT = {
        "canceling statement due to user request",
        "terminating connection",
        "connection to client lost",
        "open transaction"
    };

    private static OwnServer server;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private final List<Daemon> daemons = new ArrayList<>();

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        daemons.forEach(Daemon::close);
        database.close();
    }

    @Test
    void they_are_restarted_one_after_the_other_under_load() throws Exception {
        try (Oracle oracle = Oracle.create(database, 60_000)) {
            startThree("lease = 2s", "databases.main.max-workers = 1");
            register(oracle, 3);
            int logged = server.log().length();
            for (int i = 0; i < daemons.size(); i++) {
                awaitAllWork();
                Daemon old = daemons.get(i);
                assertNoBatchFailed(old);
                old.process().sigterm();
                assertThat(old.process().waitFor(Duration.ofSeconds(6))).isZero();
                old.close();
                Faults.made(Faults.Kind.SEVERAL_DAEMONS);
                daemons.set(i, start(i, "lease = 2s", "databases.main.max-workers = 1"));
            }
            awaitAllWork();
            oracle.faultIsOver();

            finish(oracle);
            assertThat(server.log().substring(logged)).doesNotContain(BATCHES_CUT_SHORT);
            for (Daemon daemon : daemons) {
                assertNoBatchFailed(daemon);
            }
            assertThat(database.queryLong("SELECT count(*) FROM backfill.event WHERE \"to\" = 'fenced-commit'"))
                    .isZero();
        }
    }

    /** Whoever has the only slice is killed, and whoever has it then stands still. */
    @Test
    void one_is_killed_and_one_stands_still_past_its_lease_and_comes_back() throws Exception {
        try (Oracle oracle = Oracle.create(database, 20_000)) {
            startThree(IDLE_FOR_LONG);
            register(oracle, 1);
            Daemon killed = awaitWorking();
            killed.process().kill9();
            killed.process().waitFor(PATIENCE);
            long gone = System.nanoTime();
            daemons.remove(killed);
            Daemon still = awaitWorking();
            assertTakenOver("killed", gone);

            stopBetweenBatches(still);
            long stopped = System.nanoTime();
            daemons.remove(still);
            try (still) {
                Daemon last = awaitWorking();
                assertTakenOver("stopped", stopped);
                assertThat(fencedCommits(last)).isZero();
                still.process().sigcont();
                await().atMost(PATIENCE).until(() -> fencedCommits(still) == 1);
                oracle.faultIsOver();

                finish(oracle);
            }
        }
    }

    /** What it has changed is not committed when it comes back: its slice is another's by then, which waits for its rows. */
    @Tag("storm")
    @Test
    void one_stands_still_in_mid_batch_past_its_lease_and_its_commit_is_fenced_off() throws Exception {
        try (Oracle oracle = Oracle.create(database, 4_000)) {
            startThree("lease = 2s", IDLE_FOR_LONG);
            register(oracle, 1);
            Daemon still = awaitWorking();
            String session = stopInMidBatch(still);
            daemons.remove(still);
            try (still) {
                awaitWorking();
                assertThat(database.queryStrings("SELECT state FROM pg_stat_activity WHERE pid = " + session))
                        .as("the batch that was under way, its rows changed")
                        .containsExactly("idle in transaction");
                assertThat(slicesOf(still)).isZero();
                still.process().sigcont();
                await().atMost(PATIENCE).until(() -> fencedCommits(still) == 1);
                Faults.made(Faults.Kind.SEVERAL_DAEMONS);
                oracle.faultIsOver();

                finish(oracle);
                assertThat(fencedCommits(still)).isOne();
            }
        }
    }

    private static void assertTakenOver(String what, long since) {
        Duration took = Duration.ofNanos(System.nanoTime() - since);
        System.out.println("the slice of a " + what + " daemon was taken over after " + took);
        assertThat(took).isLessThan(AT_MOST_UNTIL_TAKEN_OVER);
        Faults.made(Faults.Kind.SEVERAL_DAEMONS);
    }

    private static double fencedCommits(Daemon daemon) throws Exception {
        return sum(daemon, "backfill_fenced_commits_total\\{.*");
    }

    /** It has committed batches, and none was rolled back. */
    private static void assertNoBatchFailed(Daemon daemon) throws Exception {
        assertThat(sum(daemon, "backfill_batches_total\\{.*outcome=\"committed\".*"))
                .as("batches committed")
                .isPositive();
        assertThat(sum(daemon, "backfill_batches_total\\{.*outcome=\"(failed|retried|split)\".*"))
                .as("batches rolled back")
                .isZero();
    }

    private static double sum(Daemon daemon, String metric) throws Exception {
        return daemon.metrics()
                .lines()
                .filter(line -> line.matches(metric))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private void startThree(String... settings) throws Exception {
        for (int i = 0; i < 3; i++) {
            daemons.add(start(i, settings));
        }
    }

    private void register(Oracle oracle, int parallelism) {
        String yaml = oracle.yaml(100, BATCH).replace("parallelism: 2", "parallelism: " + parallelism);
        daemons.get(0).register(Oracle.JOB, yaml);
    }

    private Daemon start(int number, String... settings) throws Exception {
        return Daemon.start(directory.resolve("daemon" + number), Map.of("main", database.jdbcUrl()), settings);
    }

    /** The daemon, of those that are left, that has a slice and is under way with it. */
    private Daemon awaitWorking() {
        List<Daemon> working = new ArrayList<>();
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> {
            for (Daemon daemon : daemons) {
                if (slicesOf(daemon) > 0) {
                    working.add(daemon);
                }
            }
            return !working.isEmpty();
        });
        return working.get(0);
    }

    private void awaitAllWork() {
        await().atMost(PATIENCE)
                .pollInterval(LOOK)
                .until(() ->
                        slicesOf(daemons.get(0)) > 0 && slicesOf(daemons.get(1)) > 0 && slicesOf(daemons.get(2)) > 0);
    }

    private long slicesOf(Daemon daemon) throws Exception {
        return database.queryLong(
                "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND owner LIKE '%%/%d/%%'"
                        .formatted(daemon.process().pid()));
    }

    /** At a moment when it has a slice and none of its workers a transaction. */
    private void stopBetweenBatches(Daemon daemon) {
        stopWhen(
                daemon,
                () -> slicesOf(daemon) > 0 && sessions(daemon, "<> 'idle'").isEmpty());
    }

    /** At a moment when the server is at a change of its; answers by which session. */
    private String stopInMidBatch(Daemon daemon) {
        List<String> session = new ArrayList<>();
        stopWhen(daemon, () -> session.addAll(sessions(daemon, "= 'active' AND a.wait_event = 'PgSleep'")));
        return session.get(0);
    }

    /** At a moment of this kind, as often as that takes. */
    private static void stopWhen(Daemon daemon, Callable<Boolean> isSo) {
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> {
            daemon.process().sigstop();
            if (isSo.call()) {
                return true;
            }
            daemon.process().sigcont();
            return false;
        });
    }

    /** The sessions of its workers that have a slice and are in this state. */
    private List<String> sessions(Daemon daemon, String state) throws Exception {
        return database.queryStrings(
                "SELECT a.pid FROM pg_stat_activity a JOIN backfill.slice s ON s.backend_pid = a.pid"
                        + " WHERE s.state = 'RUNNING' AND s.owner LIKE '%%/%d/%%'"
                                .formatted(daemon.process().pid())
                        + " AND a.state " + state);
    }

    private void finish(Oracle oracle) throws Exception {
        await().atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> daemons.get(0).state(Oracle.JOB).equals("SUCCEEDED"));
        oracle.assertExactlyOnce();
    }
}
