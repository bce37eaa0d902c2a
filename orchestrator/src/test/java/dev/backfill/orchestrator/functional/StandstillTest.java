package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.Counters.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A process that stands still for longer than its lease, and wakes up, does no harm. */
class StandstillTest {

    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final Duration LOOK = Duration.ofMillis(20);

    private static final List<String> SIGNALS = List.of(
            "replication-drain",
            "replication-lag",
            "standby-missing",
            "standby-stale",
            "lock-waits",
            "lock-storm",
            "active-sessions",
            "foreground",
            "archive-backlog");

    private static final String WORKERS =
            "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'backfill%'";

    /** Makes the batch of one row last, once, when its rows are changed and its checkpoint is not. */
    private static final List<String> HOLD_ONE_BATCH = List.of("CREATE SEQUENCE holds", """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM changed WHERE id = 2345) AND nextval('holds') = 1 THEN
                    PERFORM pg_sleep(0.6);
                END IF;
                RETURN NULL;
            END $$
            """, """
            CREATE TRIGGER hold AFTER UPDATE ON c REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION hold()
            """);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(
            value = Counters.Order.class,
            names = {"ID", "AT"})
    void between_change_and_checkpoint_the_server_ends_its_transaction(Counters.Order order) throws Exception {
        try (Counters counters = Counters.create(order, 20_000)) {
            counters.database().execute(HOLD_ONE_BATCH.toArray(String[]::new));
            Path job = CounterJob.by(order).in(directory);
            try (BackfillProcess stopped = counters.run(job).start()) {
                String holding = "SELECT pid " + WORKERS + " AND wait_event = 'PgSleep'";
                await().atMost(PATIENCE)
                        .pollInterval(LOOK)
                        .until(() -> !counters.database().queryStrings(holding).isEmpty());
                stopped.sigstop();
                long since = System.nanoTime();
                String backend = counters.database().queryStrings(holding).get(0);
                String slice = counters.database()
                        .queryStrings("SELECT number FROM backfill.slice WHERE backend_pid = " + backend)
                        .get(0);

                try (BackfillProcess other = counters.run(job).start()) {
                    assertThat(other.waitFor(PATIENCE)).as(other::toString).isZero();
                    assertThat(counters.slices("number = %s AND owner LIKE '%%/%d/%%'".formatted(slice, other.pid())))
                            .as("slices taken over")
                            .isOne();
                }
                assertThat(TestServerLog.newest())
                        .contains(
                                "[" + backend + "] FATAL:  terminating connection due to idle-in-transaction timeout");
                await().atMost(PATIENCE).until(() -> System.nanoTime() - since > LEASE.toNanos());
                counters.assertDoneOnce();

                stopped.sigcont();

                assertThat(stopped.waitFor(PATIENCE)).as(stopped::toString).isZero();
            }
            counters.assertDoneOnceForGood(job);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Counters.Order.class,
            names = {"ID", "AT"})
    void between_two_batches_its_late_commit_is_fenced_off(Counters.Order order) throws Exception {
        try (Counters counters = Counters.create(order, 150_000)) {
            Path job = CounterJob.by(order).parallelism(1).largestBatch(100).in(directory);
            try (BackfillProcess stopped = patient(counters, job)) {
                stopBetweenBatches(stopped, counters);
                String leaseUntil = counters.database()
                        .queryStrings("SELECT max(lease_until) FROM backfill.slice WHERE state = 'RUNNING'")
                        .get(0);
                String slice = counters.database()
                        .queryStrings("SELECT number FROM backfill.slice WHERE state = 'RUNNING'")
                        .get(0);
                long batches =
                        counters.database().queryLong("SELECT batches FROM backfill.slice WHERE state = 'RUNNING'");

                try (BackfillProcess other = patient(counters, job)) {
                    String taken = "number = %s AND owner LIKE '%%/%d/%%'".formatted(slice, other.pid());
                    await().atMost(PATIENCE).pollInterval(LOOK).until(() -> counters.slices(taken) > 0);
                    assertThat(counters.database().queryStrings("SELECT clock_timestamp() > '" + leaseUntil + "'"))
                            .as("the lease was over when the slice was taken")
                            .containsExactly("t");
                    assertThat(other.errors()).containsPattern("waiting for \\S+/" + stopped.pid() + "/");
                    String ahead = taken + " AND (batches > %d OR state = 'DONE')".formatted(batches);
                    await().atMost(PATIENCE).pollInterval(LOOK).until(() -> counters.slices(ahead) > 0);

                    stopped.sigcont();

                    assertThat(stopped.waitFor(PATIENCE)).as(stopped::toString).isZero();
                    assertThat(other.waitFor(PATIENCE)).as(other::toString).isZero();
                }
                assertThat(stopped.errors()).contains("fenced off");
                assertThat(stopped.output()).contains("1 fenced commits");
                assertThat(counters.database()
                                .queryStrings(
                                        "SELECT detail->>'slice' FROM backfill.event WHERE \"to\" = 'fenced-commit'"))
                        .containsExactly(slice);
            }
            counters.assertDoneOnceForGood(job);
        }
    }

    /**
     * With a lease longer than another process takes to start, so that it is seen to wait, and without a look at the
     * database's health: what was seen before a standstill is too old after it, so that a process that wakes up may
     * well wait for a fresh look, and learn of its lost lease without having tried to commit.
     */
    private static BackfillProcess patient(Counters counters, Path job) throws Exception {
        BackfillProcess.Builder process = counters.run(job)
                .property("lease", "12s")
                .property("database-defaults.session.idle-in-transaction-timeout", "off");
        SIGNALS.forEach(signal -> process.property("database-defaults.throttle." + signal, "off"));
        return process.start();
    }

    /** Stops it at a moment when it has a slice and no transaction, as often as that takes. */
    private static void stopBetweenBatches(BackfillProcess process, Counters counters) {
        String busy = "SELECT count(*) " + WORKERS + " AND state <> 'idle'";
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> counters.batches() > 10);
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(3))
                .until(() -> {
                    process.sigstop();
                    for (int look = 0; look < 5; look++) {
                        if (counters.database().queryLong(busy) > 0 || !counters.isWorking(process)) {
                            process.sigcont();
                            return false;
                        }
                    }
                    return true;
                });
    }
}
