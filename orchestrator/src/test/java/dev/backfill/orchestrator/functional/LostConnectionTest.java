package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections that are lost where it hurts, under a statement that must not be made twice. */
@Tag("fault")
class LostConnectionTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int ROWS = 6_000;

    /** How the job goes over the table. */
    enum Way {
        BY_KEY,
        /** By a column with NULLs and with hundreds of equal values, that has an index by itself. */
        BY_TIME
    }

    @TempDir
    private Path directory;

    private final AtomicInteger changes = new AtomicInteger();
    private TestDatabase database;
    private Oracle oracle;
    private FaultProxy proxy;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        oracle = Oracle.create(database, ROWS);
        database.execute(
                "ANALYZE t"); // of a table that nobody has looked at a third is expected in a range, and fewer slices
        // are cut
        proxy = FaultProxy.to(database.server());
        proxy.onExecute(sql -> {
            if (isChange(sql)) {
                changes.incrementAndGet();
            }
        });
    }

    @AfterEach
    void stop() throws Exception {
        proxy.close();
        oracle.close();
        database.close();
    }

    @ParameterizedTest
    @EnumSource
    void the_answer_to_a_commit_is_lost(Way way) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 4, 10, 25, 40)) {
            traps.add(proxy.loseAnswer(commitAfterChanges(at), 1));
        }
        runToItsEnd(way, traps);
    }

    @ParameterizedTest
    @EnumSource
    void a_commit_does_not_arrive_and_the_server_does_not_learn_of_it(Way way) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 21)) {
            traps.add(proxy.loseRequest(commitAfterChanges(at), 1));
        }
        runToItsEnd(way, traps);
    }

    @ParameterizedTest
    @EnumSource
    void the_answer_to_a_change_is_lost(Way way) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 21)) {
            traps.add(proxy.loseAnswer(LostConnectionTest::isChange, at));
        }
        runToItsEnd(way, traps);
    }

    @ParameterizedTest
    @EnumSource
    void a_commit_arrives_when_the_worker_is_connected_again(Way way) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 40)) {
            traps.add(proxy.holdRequest(commitAfterChanges(at), 1));
        }
        proxy.onExecute(sql -> {
            if (sql.contains("SET LOCAL statement_timeout = 0")) {
                traps.forEach(Trap::release);
            }
        });
        runToItsEnd(way, traps);
    }

    @ParameterizedTest
    @EnumSource
    void every_connection_is_lost_while_a_commit_takes_its_time(Way way) throws Exception {
        database.execute("""
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$
                """, """
                CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (OLD.counter < NEW.counter AND NEW.id % 1500 = 502) EXECUTE FUNCTION slow()
                """);
        Set<String> lost = new HashSet<>();
        int cuts = 0;
        try (BackfillProcess process = run(way)) {
            while (process.isAlive()) {
                if (lost.addAll(commitsUnderWay())) {
                    proxy.cutClients();
                    oracle.faultIsOver();
                    cuts++;
                }
            }
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertThat(cuts).isGreaterThanOrEqualTo(3);
        assertOnce();
    }

    @Test
    void nothing_arrives_anywhere_until_the_server_has_given_up_the_sessions() throws Exception {
        CountDownLatch dark = new CountDownLatch(1);
        proxy.onExecute(sql -> {
            if (changes.get() >= 10 && dark.getCount() > 0) {
                proxy.blackHole();
                dark.countDown();
            }
        });
        try (BackfillProcess process = run(Way.BY_KEY)) {
            assertThat(dark.await(30, TimeUnit.SECONDS)).isTrue();
            await().atMost(PATIENCE)
                    .until(() -> database.queryLong("SELECT count(*) FROM backfill.slice"
                                    + " WHERE state = 'RUNNING' AND lease_until > clock_timestamp() - interval '2 s'")
                            == 0);
            proxy.heal();
            oracle.faultIsOver();
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertOnce();
    }

    private void runToItsEnd(Way way, List<Trap> traps) throws Exception {
        try (BackfillProcess process = run(way)) {
            for (Trap trap : traps) {
                trap.awaitSprung(PATIENCE);
            }
            oracle.faultIsOver();
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertOnce();
    }

    private BackfillProcess run(Way way) throws Exception {
        String yaml = oracle.yaml(100, Duration.ZERO)
                .replace("parallelism: 2", "parallelism: 3")
                .replace("min: 100", "min: 50");
        Path job = CountedTable.write(
                directory, (way == Way.BY_TIME ? byTime(yaml) : yaml) + "errors: { statement-timeout: 2s }\n");
        return BackfillProcess.builder(
                        "run", job.toString(), "--database", database.jdbcUrl(TestPostgres.SUPERUSER, proxy))
                .property("lease", "2s")
                .start();
    }

    /** The times are in another order than the keys. NULLs have no place in a range that ends, so what is beyond is said otherwise. */
    private String byTime(String yaml) throws SQLException {
        database.execute("""
                ALTER TABLE t ADD COLUMN at timestamp GENERATED ALWAYS AS (
                    CASE WHEN id % 20 = 0 THEN NULL WHEN id BETWEEN 2000 AND 4200 THEN '2026-01-02'
                        ELSE timestamp '2026-01-01' + (id * 7919 % 5000) * interval '1 min' END) STORED
                """, "CREATE INDEX ON t (at)", "ANALYZE t");
        String inRange = " AND id <= " + oracle.last();
        return yaml.replaceFirst("range: .*", "range: { by: time, column: at }")
                .replace(":range", ":range" + inRange)
                .replace("counter = 0", "counter = 0" + inRange);
    }

    private Predicate<String> commitAfterChanges(int count) {
        return sql -> FaultProxy.COMMIT.test(sql) && changes.get() >= count;
    }

    private List<String> commitsUnderWay() throws Exception {
        return database.queryStrings("SELECT pid || ' at ' || xact_start FROM pg_stat_activity"
                + " WHERE query = 'COMMIT' AND wait_event = 'PgSleep'");
    }

    private static boolean isChange(String sql) {
        return sql.startsWith("UPDATE public.t SET counter = counter + 1");
    }

    private void assertOnce() throws Exception {
        assertThat(database.queryLong("SELECT count(*) FROM backfill.slice")).isGreaterThanOrEqualTo(3);
        assertThat(oracle.batches()).isGreaterThanOrEqualTo(20);
        oracle.assertExactlyOnce();
        Faults.made(Faults.Kind.NETWORK);
    }
}
