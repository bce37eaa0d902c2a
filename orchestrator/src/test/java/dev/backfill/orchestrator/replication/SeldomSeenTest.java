package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.ReplayLimit;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestStandby;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.wal.OwnWal;
import dev.backfill.orchestrator.wal.WalMeter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real standby that replays slowly, behind a primary whose answers take nearly a second. */
class SeldomSeenTest {

    private static final Duration BUDGET = Duration.ofSeconds(5);
    private static final ReplicationLimits LIMITS =
            new ReplicationLimits(EnumSet.of(Watched.DRAIN, Watched.LAG), BUDGET, Duration.ofSeconds(30), List.of());
    private static final Duration ROUND_TRIP = Duration.ofMillis(800);
    private static final int SECONDS = 20;
    private static final int SETTLED_AFTER = 9;

    private static final String INSERT = "INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 2000) AS g";
    private static final String WRITTEN = "SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bigint)";
    private static final String REPLAYED =
            "SELECT CAST(pg_wal_lsn_diff(replay_lsn, '0/0') AS bigint) FROM pg_stat_replication";

    @TempDir
    private Path directory;

    @Test
    void runs_write_what_it_can_take_and_it_stays_within_its_budget() throws Exception {
        try (TestStandby servers = TestStandby.start(directory, "full_page_writes=off", "autovacuum=off");
                TestDatabase primary = servers.primary().newDatabase();
                ReplayLimit replay = ReplayLimit.of(directory.resolve("standby"));
                FaultProxy proxy = FaultProxy.to(servers.primary());
                Database database = database(primary.jdbcUrl("postgres", proxy))) {
            SchemaMigrator.migrate(database);
            primary.execute("CREATE TABLE t (id int, note text)");
            proxy.delay(ROUND_TRIP);
            OwnWal own = new OwnWal(Timing.system());
            ReplicationWatch watch =
                    new ReplicationWatch(database, Timing.system(), () -> Optional.of(Duration.ofMillis(250)), own);
            Stop stop = new Stop(Timing.system());
            Thread looking = new Thread(() -> watch.watch(stop), "watch");
            looking.start();
            replay.to(0.03);
            try {
                Seen seen = write(primary, new Throttle(watch.governors(LIMITS)), watch, own);

                double most = speed(primary);
                System.out.printf(
                        "%d batches, held %d times, worst lag %s, %d of %d looks, %.1f MB/s of %.1f%n",
                        seen.batches, seen.held, seen.worstLag, seen.over, seen.looks, seen.written / 1e6, most / 1e6);
                assertThat(seen.held).as("by the rate").isPositive();
                assertThat(seen.written)
                        .as("bytes a second, and what it can take")
                        .isGreaterThan(most / 3);
                assertThat(seen.over)
                        .as("looks that show it far above a fifth of its budget, of %d", seen.looks)
                        .isLessThan(seen.looks / 4);
                assertThat(seen.worstLag).isLessThan(BUDGET.plus(ROUND_TRIP));
            } finally {
                stop.request();
                looking.join();
            }
        }
    }

    private static final class Seen {
        private int batches;
        private int held;
        private int looks;
        private int over;
        private double written;
        private Duration worstLag = Duration.ZERO;
    }

    private static Seen write(TestDatabase primary, Throttle throttle, ReplicationWatch watch, OwnWal own)
            throws Exception {
        Seen seen = new Seen();
        WalMeter meter = new WalMeter();
        long begun = System.nanoTime();
        try (Connection session = primary.connect();
                PreparedStatement insert = session.prepareStatement(INSERT)) {
            long first = 0;
            for (double passed = 0; passed < SECONDS; passed = (System.nanoTime() - begun) / 1e9) {
                if (passed > SETTLED_AFTER) {
                    first = first == 0 ? primary.queryLong(WRITTEN) : first;
                    Duration lag = lag(watch);
                    seen.looks++;
                    seen.over += lag.compareTo(BUDGET.dividedBy(2)) > 0 ? 1 : 0;
                    seen.worstLag = lag.compareTo(seen.worstLag) > 0 ? lag : seen.worstLag;
                }
                Pace pace = throttle.pace();
                if (pace.isHold()) {
                    boolean isByRate = pace.reason().orElseThrow().detail().startsWith("the standbys can take ");
                    seen.held += isByRate ? 1 : 0;
                    Thread.sleep(20);
                } else {
                    long start = System.nanoTime();
                    meter.begin(session, true);
                    insert.execute();
                    own.wrote(meter.end(session));
                    seen.batches++;
                    Thread.sleep((long) ((System.nanoTime() - start) / 1e6 * (1 / pace.ratio() - 1)));
                }
            }
            seen.written = (primary.queryLong(WRITTEN) - first) / (double) (SECONDS - SETTLED_AFTER);
        }
        return seen;
    }

    private static Duration lag(ReplicationWatch watch) {
        return watch.standing().stream()
                .flatMap(standing -> standing.keepingUp().stream())
                .map(Standing.KeepingUp::lag)
                .max(Duration::compareTo)
                .orElseThrow();
    }

    /** How fast the standby replays when there is always something to replay, in bytes a second. */
    private static double speed(TestDatabase primary) throws Exception {
        awaitReplayed(primary, primary.queryLong(WRITTEN));
        long first = primary.queryLong(WRITTEN);
        long begun = System.nanoTime();
        primary.execute(INSERT.replace("2000", "200000"));
        long last = primary.queryLong(WRITTEN);
        awaitReplayed(primary, last);
        return (last - first) / ((System.nanoTime() - begun) / 1e9);
    }

    private static void awaitReplayed(TestDatabase primary, long position) {
        await().atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> primary.queryLong(REPLAYED) >= position);
    }

    private static Database database(String url) {
        return new Database(SettingsReader.forDatabase(new Login(url, Optional.empty(), Optional.empty()))
                .databases()
                .values()
                .iterator()
                .next());
    }
}
