package dev.backfill.orchestrator.functional;

import static dev.backfill.orchestrator.functional.CountedTable.BY_KEY;
import static dev.backfill.orchestrator.functional.CountedTable.BY_TIME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.nio.file.Path;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that are lost where it hurts, under a statement that must not be made twice. */
class LostConnectionTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String LIMITS =
            "parallelism: 3\nbatch: { size: 100, min: 50, max: 100 }\nerrors: { statement-timeout: 2s }";

    @TempDir
    private Path directory;

    private final AtomicInteger changes = new AtomicInteger();
    private TestDatabase database;
    private CountedTable table;
    private FaultProxy proxy;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        table = CountedTable.create(database, 6000);
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
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {BY_KEY, BY_TIME})
    void the_answer_to_a_commit_is_lost(String range) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 4, 10, 25, 40)) {
            traps.add(proxy.loseAnswer(commitAfterChanges(at), 1));
        }
        runToItsEnd(range);

        assertAllSprung(traps);
    }

    @ParameterizedTest
    @ValueSource(strings = {BY_KEY, BY_TIME})
    void a_commit_does_not_arrive_and_the_server_does_not_learn_of_it(String range) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 21)) {
            traps.add(proxy.loseRequest(commitAfterChanges(at), 1));
        }
        runToItsEnd(range);

        assertAllSprung(traps);
    }

    @ParameterizedTest
    @ValueSource(strings = {BY_KEY, BY_TIME})
    void the_answer_to_a_change_is_lost(String range) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 21)) {
            traps.add(proxy.loseAnswer(LostConnectionTest::isChange, at));
        }
        runToItsEnd(range);

        assertAllSprung(traps);
    }

    @ParameterizedTest
    @ValueSource(strings = {BY_KEY, BY_TIME})
    void a_commit_arrives_when_the_worker_is_connected_again(String range) throws Exception {
        List<Trap> traps = new ArrayList<>();
        for (int at : List.of(3, 20, 40)) {
            traps.add(proxy.holdRequest(commitAfterChanges(at), 1));
        }
        proxy.onExecute(sql -> {
            if (sql.contains("SET LOCAL statement_timeout = 0")) {
                traps.forEach(Trap::release);
            }
        });
        runToItsEnd(range);

        assertAllSprung(traps);
    }

    @ParameterizedTest
    @ValueSource(strings = {BY_KEY, BY_TIME})
    void every_connection_is_lost_while_a_commit_takes_its_time(String range) throws Exception {
        database.execute("""
                CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$
                """, """
                CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON c DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.id % 5250 = 1757) EXECUTE FUNCTION slow()
                """);
        Set<String> lost = new HashSet<>();
        int cuts = 0;
        try (BackfillProcess process = run(range)) {
            while (process.isAlive()) {
                if (lost.addAll(commitsUnderWay())) {
                    proxy.cutClients();
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
        try (BackfillProcess process = run(BY_KEY)) {
            assertThat(dark.await(30, TimeUnit.SECONDS)).isTrue();
            await().atMost(PATIENCE)
                    .until(() -> database.queryLong("SELECT count(*) FROM backfill.slice"
                                    + " WHERE state = 'RUNNING' AND lease_until > clock_timestamp() - interval '3 s'")
                            == 0);
            proxy.heal();
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertOnce();
    }

    private void runToItsEnd(String range) throws Exception {
        try (BackfillProcess process = run(range)) {
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertOnce();
    }

    private BackfillProcess run(String range) throws Exception {
        Path job = CountedTable.job(directory, range, LIMITS);
        return BackfillProcess.builder(
                        "run", job.toString(), "--database", database.jdbcUrl(TestPostgres.SUPERUSER, proxy))
                .property("lease", "3s")
                .start();
    }

    private Predicate<String> commitAfterChanges(int count) {
        return sql -> FaultProxy.COMMIT.test(sql) && changes.get() >= count;
    }

    private List<String> commitsUnderWay() throws Exception {
        return database.queryStrings("SELECT pid || ' at ' || xact_start FROM pg_stat_activity"
                + " WHERE query = 'COMMIT' AND wait_event = 'PgSleep'");
    }

    private static boolean isChange(String sql) {
        return sql.startsWith("UPDATE c SET n = n + 1");
    }

    private void assertOnce() throws Exception {
        table.assertManySlicesAndBatches();
        table.assertEachRowWasChangedOnce();
    }

    private static void assertAllSprung(List<Trap> traps) throws InterruptedException {
        for (Trap trap : traps) {
            trap.awaitSprung(Duration.ofSeconds(1));
        }
    }
}
