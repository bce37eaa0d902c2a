package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Direction;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * That work goes on after a fault, and how soon with the default lease of 15 s: medians of five, which happen at the same time in
 * five databases. Each row is changed once all the same.
 */
@Tag("fault")
class RecoveryTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration BATCH = Duration.ofMillis(80);
    private static final int TIMES = 5;

    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final Duration TAKEN_OVER = Duration.ofSeconds(20);
    private static final Duration AFTER_A_PAUSE = Duration.ofSeconds(5);

    /** The statement's time-out, the lock's, and 5 s: how long a worker waits for an answer. */
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(3 + 5);

    private static final String TIMEOUTS = "errors: { statement-timeout: 2500ms, lock-timeout: 500ms }";

    private static OwnServer server;
    private static TestPostgres postgres;

    @TempDir
    private Path directory;

    private final List<Place> places = new ArrayList<>();
    private final List<Daemon> daemons = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Random random;

    /** A database with its oracle, and two networks to it. */
    private record Place(String name, TestDatabase database, Oracle oracle, FaultProxy network, FaultProxy other) {

        String url(FaultProxy by) {
            return database.jdbcUrl(TestPostgres.SUPERUSER, by);
        }

        void close() throws Exception {
            oracle.close();
            network.close();
            other.close();
            database.close();
        }
    }

    /** Something that happens at a place. */
    private interface Happening {
        Duration at(Place place) throws Exception;
    }

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data, "max_connections=400");
        postgres = server.postgres();
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void seed() {
        random = Seed.random("recoveries");
    }

    @AfterEach
    void close() throws Exception {
        threads.shutdownNow();
        daemons.forEach(Daemon::close);
        for (Place place : places) {
            place.close();
        }
    }

    @Tag("storm")
    @Test
    void the_slices_of_daemons_that_stand_still_or_die() throws Exception {
        create(TIMES, 25_000);
        Map<Place, Daemon> own = new LinkedHashMap<>();
        for (Place place : places) {
            own.put(place, begin(place.name(), List.of(place), Place::network));
        }
        for (Place place : places) {
            register(Objects.requireNonNull(own.get(place)), place, "");
        }
        Daemon shared = begin("shared", places, Place::other);
        shared.awaitReady();
        everywhere(place -> untilBatches(place, 3));

        List<Duration> stopped = everywhere(place -> stopAtACommit(place, Objects.requireNonNull(own.get(place))));
        own.values().forEach(daemon -> unchecked(daemon.process()::sigcont));
        new Recoveries(stopped).assertMedianAtMost(TAKEN_OVER, "a worker stopped before its commit");

        assertWorking(shared);
        places.forEach(place -> place.other().swallow(Direction.values()));
        shared.process().kill9();
        List<Duration> lost = everywhere(place -> untilElsewhere(place, shared));
        new Recoveries(lost).assertMedianAtMost(TAKEN_OVER, "a daemon's death together with its machine");

        Daemon next = begin("next", places, Place::network);
        next.awaitReady();
        List<Duration> killed = everywhere(place -> kill(place, Objects.requireNonNull(own.get(place))));
        new Recoveries(killed).assertMedianAtMost(TAKEN_OVER, "a daemon's death");

        places.forEach(place -> place.oracle().faultIsOver());
        finish();
    }

    @Tag("storm")
    @Test
    void pauses_and_black_holes_of_the_network() throws Exception {
        create(TIMES, 24_000);
        Daemon daemon = begin("daemon", places, Place::network);
        registerEverywhere(daemon, TIMEOUTS);

        List<Duration> pauses = everywhere(place -> {
            untilBatches(place, 5);
            place.network().blackHole();
            Thread.sleep(1_000 + random.nextInt(5_000));
            place.network().heal();
            return untilBatches(place, 2); // the first may have been on its way
        });
        new Recoveries(pauses).assertMedianAtMost(AFTER_A_PAUSE, "a pause of the network");

        List<Duration> longPauses = everywhere(place -> {
            untilBatches(place, 1 + random.nextInt(5));
            place.network().blackHole();
            Thread.sleep(LEASE.plusMillis(1_000 + random.nextInt(5_000)).toMillis());
            place.network().heal();
            return untilBatches(place, 2);
        });
        new Recoveries(longPauses).assertMedianAtMost(AFTER_A_PAUSE, "a pause of the network longer than a lease");

        List<Duration> holes = everywhere(place -> {
            untilBatches(place, 1 + random.nextInt(5));
            place.network().swallow(Direction.values());
            return untilBatches(place, 2); // the first may have been on its way
        });
        new Recoveries(holes).assertMedianAtMost(SOCKET_TIMEOUT.plusSeconds(5), "a black hole");

        places.forEach(place -> place.oracle().faultIsOver());
        finish();
    }

    @Tag("storm")
    @Test
    void networks_that_are_slow_or_lossy_or_pass_one_direction_only() throws Exception {
        meetBadNetworks(5_000, 3, Duration.ofMillis(50), TIMEOUTS);
    }

    /** The same in short. */
    @Test
    void networks_that_are_bad_once() throws Exception {
        String timeouts = "errors: { statement-timeout: 1s, lock-timeout: 500ms }";
        meetBadNetworks(2_000, 1, Duration.ofMillis(10), timeouts, "lease = 2s");
    }

    private void meetBadNetworks(int rows, int faults, Duration delay, String timeouts, String... settings)
            throws Exception {
        create(4, rows);
        Place slow = places.get(0);
        slow.network().delay(delay, delay);
        Place resetting = places.get(1);
        resetting
                .database()
                .execute(
                        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                                + " 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'",
                        "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON "
                                + resetting.oracle().schema() + ".t DEFERRABLE INITIALLY DEFERRED"
                                + " FOR EACH ROW WHEN (OLD.counter < NEW.counter AND NEW.id % 2000 = 1000)"
                                + " EXECUTE FUNCTION slow()");
        Daemon daemon = begin("daemon", places, Place::network, settings);
        registerEverywhere(daemon, timeouts);

        everywhere(place -> {
            for (int fault = 0; fault < faults; fault++) {
                if (place.equals(slow)) {
                    untilBatches(place, 2);
                    place.network().cutClients();
                } else if (place.equals(resetting)) {
                    untilInCommit(place);
                    place.network().reset();
                } else {
                    untilBatches(place, 2);
                    place.network().swallow(place.equals(places.get(2)) ? Direction.REQUESTS : Direction.ANSWERS);
                }
            }
            place.oracle().faultIsOver();
            Duration recovery = untilBatches(place, 2);
            Faults.made(Faults.Kind.NETWORK);
            return recovery;
        });

        finish();
    }

    private void create(int number, int rows) throws Exception {
        for (int i = 0; i < number; i++) {
            TestDatabase database = postgres.newDatabase();
            places.add(new Place(
                    "place" + i,
                    database,
                    Oracle.create(database, job("place" + i), rows, Duration.ofMillis(5)),
                    FaultProxy.to(database.server()),
                    FaultProxy.to(database.server())));
        }
    }

    private Daemon begin(String name, List<Place> where, Function<Place, FaultProxy> network, String... settings)
            throws IOException {
        Map<String, String> urls = new LinkedHashMap<>();
        where.forEach(place -> urls.put(place.name(), place.url(network.apply(place))));
        Daemon daemon = Daemon.startUnready(directory.resolve(name), UnaryOperator.identity(), urls, settings);
        daemons.add(daemon);
        return daemon;
    }

    private void registerEverywhere(Daemon daemon, String timeouts) {
        places.forEach(place -> register(daemon, place, timeouts));
    }

    private static void register(Daemon daemon, Place place, String more) {
        daemon.awaitReady();
        String job = job(place.name());
        String yaml = place.oracle()
                .yaml(100, BATCH)
                .replace("job: " + job, "job: %s%ndatabase: %s".formatted(job, place.name()))
                .replace("parallelism: 2", "parallelism: 1");
        daemon.register(job, yaml + more + "\n");
    }

    private static String job(String place) {
        return Oracle.JOB + "-" + place;
    }

    /** Does it at all places at once; answers what was measured. */
    private List<Duration> everywhere(Happening happening) {
        List<CompletableFuture<Duration>> all = new ArrayList<>();
        for (Place place : places) {
            all.add(CompletableFuture.supplyAsync(() -> unchecked(() -> happening.at(place)), threads));
        }
        return all.stream().map(CompletableFuture::join).toList();
    }

    /** The process stands still when its checkpoint is written, and the server never gets the commit. */
    private Duration stopAtACommit(Place place, Daemon daemon) throws Exception {
        Trap trap = place.network()
                .at(
                        Moment.BEFORE,
                        Step.CHECKPOINT.commit(Moment.BEFORE).statement(),
                        1 + random.nextInt(10),
                        () -> unchecked(daemon.process()::sigstop));
        trap.awaitSprung(PATIENCE);
        return untilElsewhere(place, daemon);
    }

    private Duration kill(Place place, Daemon daemon) throws Exception {
        Thread.sleep(random.nextInt(1_000));
        daemon.process().kill9();
        return untilElsewhere(place, daemon);
    }

    /** Until another daemon has committed a batch. */
    private static Duration untilElsewhere(Place place, Daemon daemon) throws Exception {
        long since = System.nanoTime();
        long before = place.oracle().batches();
        String its = "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND owner LIKE '%%/%d/%%'"
                .formatted(daemon.process().pid());
        assertThat(place.database().queryLong(its))
                .as("slices of the daemon at %s", place.name())
                .isPositive();
        await().atMost(PATIENCE)
                .pollInterval(LOOK)
                .until(() ->
                        place.database().queryLong(its) == 0 && place.oracle().batches() > before);
        return Duration.ofNanos(System.nanoTime() - since);
    }

    /** Until so many batches more are committed. */
    private static Duration untilBatches(Place place, int more) throws Exception {
        long since = System.nanoTime();
        long before = place.oracle().batches();
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> place.oracle().batches() >= before + more);
        return Duration.ofNanos(System.nanoTime() - since);
    }

    private static void untilInCommit(Place place) {
        String committing = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND query = 'COMMIT' AND wait_event = 'PgSleep'";
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> place.database().queryLong(committing) > 0);
    }

    private void assertWorking(Daemon daemon) throws Exception {
        for (Place place : places) {
            assertThat(place.database()
                            .queryLong("SELECT count(*) FROM backfill.slice WHERE owner LIKE '%%/%d/%%'"
                                    .formatted(daemon.process().pid())))
                    .as("slices at %s", place.name())
                    .isPositive();
        }
    }

    private void finish() throws Exception {
        for (Place place : places) {
            await().atMost(PATIENCE)
                    .pollInterval(LOOK)
                    .until(() -> place.database()
                            .queryStrings("SELECT state FROM backfill.run")
                            .equals(List.of("SUCCEEDED")));
            place.oracle().assertExactlyOnce();
        }
    }

    private interface Action {
        void run() throws Exception;
    }

    private interface Measured {
        Duration take() throws Exception;
    }

    private static void unchecked(Action action) {
        try {
            action.run();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static Duration unchecked(Measured measured) {
        try {
            return measured.take();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
