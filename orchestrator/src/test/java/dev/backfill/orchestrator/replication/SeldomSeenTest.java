package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;

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
            replay.to(0.1);
            try {
                Seen seen = write(primary, new Throttle(watch.governors(LIMITS)), watch, own);

                System.out.printf("%d batches, held %d times, worst lag %s%n", seen.batches, seen.held, seen.worstLag);
                assertThat(seen.held).as("by the rate").isPositive();
                assertThat(seen.batches).as("and is not left idle").isGreaterThan(SECONDS);
                assertThat(seen.worstLag).isLessThan(BUDGET);
            } finally {
                stop.request();
                looking.join();
            }
        }
    }

    private static final class Seen {
        private int batches;
        private int held;
        private Duration worstLag = Duration.ZERO;
    }

    private static Seen write(TestDatabase primary, Throttle throttle, ReplicationWatch watch, OwnWal own)
            throws Exception {
        Seen seen = new Seen();
        WalMeter meter = new WalMeter();
        long begun = System.nanoTime();
        try (Connection session = primary.connect();
                PreparedStatement insert = session.prepareStatement(
                        "INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 2000) AS g")) {
            for (double passed = 0; passed < SECONDS; passed = (System.nanoTime() - begun) / 1e9) {
                if (passed > SETTLED_AFTER) {
                    watch.standing().stream()
                            .flatMap(standing -> standing.keepingUp().stream())
                            .map(Standing.KeepingUp::lag)
                            .filter(lag -> lag.compareTo(seen.worstLag) > 0)
                            .forEach(lag -> seen.worstLag = lag);
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
        }
        return seen;
    }

    private static Database database(String url) {
        return new Database(SettingsReader.forDatabase(new Login(url, Optional.empty(), Optional.empty()))
                .databases()
                .values()
                .iterator()
                .next());
    }
}
