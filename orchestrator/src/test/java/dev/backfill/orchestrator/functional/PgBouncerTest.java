package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.PgBouncer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import dev.backfill.orchestrator.testing.Trap;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Daemons and an application behind PgBouncer in transaction mode, where Debian's package is installed. */
@Tag("fault")
class PgBouncerTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration BATCH = Duration.ofMillis(40);
    private static final int SESSIONS = 3;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        assumeTrue(PgBouncer.isInstalled(), "there is no PgBouncer: install Debian's package pgbouncer");
        database = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        if (database != null) {
            database.close();
        }
    }

    @Test
    void one_of_two_daemons_and_then_the_pooler_are_killed_and_no_session_keeps_what_was_set() throws Exception {
        try (PgBouncer bouncer = bouncer();
                Oracle oracle = Oracle.create(database, 16_000);
                PooledApplication application = PooledApplication.start(database, bouncer);
                Daemon killed = start("killed", bouncer);
                Daemon daemon = start("daemon", bouncer)) {
            daemon.register(Oracle.JOB, oracle.yaml(100, BATCH));
            awaitWork(killed);
            awaitWork(daemon);
            application.awaitSharedSession(database);
            assertThat(database.queryLong("SELECT count(*) FROM backfill.slice WHERE backend_pid IS NOT NULL"))
                    .as("slices bound to a session that is the pooler's")
                    .isZero();

            killed.process().kill9();
            killed.process().waitFor(PATIENCE);
            awaitBatches(oracle, 10);
            bouncer.kill9();
            await().atMost(PATIENCE).pollInterval(LOOK).until(() -> !daemon.isReady());
            bouncer.startAgain();
            oracle.faultIsOver();
            Faults.made(Faults.Kind.POOLER);
            daemon.awaitReady();
            awaitBatches(oracle, 10);
            daemon.say("pause", Oracle.JOB);
            daemon.awaitState(Oracle.JOB, "PAUSED");
            daemon.say("resume", Oracle.JOB);

            await().atMost(PATIENCE).until(() -> daemon.state(Oracle.JOB).equals("SUCCEEDED"));
            oracle.assertExactlyOnce();
            application.assertThatNothingWasSet();
        }
    }

    @Tag("storm")
    @Test
    void answers_are_lost_a_daemon_stands_still_past_its_lease_and_rows_are_bad() throws Exception {
        AtomicInteger changes = new AtomicInteger();
        try (PgBouncer bouncer = bouncer();
                FaultProxy proxy = FaultProxy.to(bouncer.port());
                Oracle oracle = Oracle.create(database, 16_000)) {
            SpoiledOracle spoiled = SpoiledOracle.of(oracle, database, 24);
            proxy.onExecute(sql -> {
                if (sql.startsWith("UPDATE public.t SET counter = counter + 1")) {
                    changes.incrementAndGet();
                }
            });
            List<Trap> traps = new ArrayList<>();
            for (int at : List.of(3, 20, 21, 60)) {
                traps.add(proxy.loseAnswer(sql -> FaultProxy.COMMIT.test(sql) && changes.get() >= at, 1));
            }
            String url = database.jdbcUrl(TestPostgres.SUPERUSER, proxy);
            try (Daemon still = start("still", url);
                    Daemon daemon = start("daemon", url)) {
                daemon.register(Oracle.JOB, spoiled.yaml(100, BATCH));
                traps.get(1).awaitSprung(PATIENCE);
                awaitWork(still);
                still.process().sigstop();
                Duration pastItsLease = Duration.ofSeconds(3);
                Thread.sleep(pastItsLease.toMillis());
                await().atMost(PATIENCE).pollInterval(LOOK).until(() -> slicesOf(still) == 0);
                still.process().sigcont();
                Faults.made(Faults.Kind.POOLER);
                for (Trap trap : traps) {
                    trap.awaitSprung(PATIENCE);
                    Faults.made(Faults.Kind.NETWORK);
                }
                oracle.faultIsOver();

                await().atMost(PATIENCE).until(() -> daemon.state(Oracle.JOB).equals("FAILED"));
                spoiled.assertSetAside();
            }
        }
    }

    @Test
    void planned_starts_and_every_verb_work_for_a_user_that_does_not_own_the_own_tables() throws Exception {
        TestRole user = database.newMonitoringRole();
        TestRole owner = database.newRole();
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT generate_series(1, 2000)",
                "GRANT SELECT, UPDATE ON c TO " + user.name(),
                "GRANT CREATE ON DATABASE %s TO %s".formatted(database.name(), owner.name()));
        try (PgBouncer bouncer = bouncer(user);
                Daemon daemon = Daemon.start(
                        directory.resolve("daemon"),
                        Map.of("main", bouncer.jdbcUrl(database, user.name())),
                        "databases.main { pooler = transaction, session.search-path = public",
                        "owner { url = \"%s\" } }".formatted(database.jdbcUrl(owner.name())))) {
            assertThat(database.queryStrings("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'backfill'"))
                    .containsExactly(owner.name());
            daemon.register("planned", yaml("planned", "start: { cron: \"* * * * * ?\" }", Duration.ZERO));
            daemon.awaitState("planned", "SUCCEEDED");
            daemon.delete("/api/v1/jobs/planned");
            daemon.register("verbs", yaml("verbs", "start: manual", BATCH));
            daemon.say("start", "verbs");
            daemon.awaitState("verbs", "RUNNING");
            daemon.say("pause", "verbs");
            daemon.awaitState("verbs", "PAUSED");
            daemon.say("resume", "verbs");
            daemon.awaitState("verbs", "RUNNING");
            daemon.say("cancel", "verbs");
            daemon.awaitState("verbs", "CANCELLED");
            assertThat(daemon.post("/api/v1/pause").status()).isEqualTo(200);
            daemon.say("start", "verbs");
            daemon.awaitRun(
                    "verbs", run -> run.path("hold").path("reason").asString("").equals("stopped"));
            assertThat(daemon.post("/api/v1/resume").status()).isEqualTo(200);
            daemon.awaitState("verbs", "SUCCEEDED");
            daemon.say("verify", "verbs");
            await().atMost(PATIENCE)
                    .until(() -> database.queryLong("SELECT count(*) FROM backfill.proof WHERE job = 'verbs'") == 2);
        }
    }

    @Test
    void a_pooler_that_is_not_configured_is_refused_before_anything_is_done() throws Exception {
        try (PgBouncer bouncer = bouncer();
                Daemon daemon = Daemon.startUnready(
                        directory.resolve("daemon"),
                        UnaryOperator.identity(),
                        Map.of("main", bouncer.jdbcUrl(database)))) {
            String said = "reason=\"two connections share a session of the server";
            await().atMost(PATIENCE).until(() -> daemon.process().errors().contains(said));

            assertThat(daemon.process().errors()).contains("set pooler = transaction for this database");
            assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = 'backfill'"))
                    .isZero();
        }
    }

    @Test
    void a_dry_run_tries_batches_through_a_pooler_that_is_configured_and_does_not_look_through_another()
            throws Exception {
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT generate_series(1, 2000)",
                "ANALYZE c");
        Path job = Files.writeString(directory.resolve("dry.yaml"), yaml("dry", "start: manual", Duration.ZERO));
        try (PgBouncer bouncer = bouncer()) {
            CommandResult unknown =
                    CommandResult.of("dry-run", job.toString(), "--database", bouncer.jdbcUrl(database), "--sample");
            assertThat(unknown.exit()).as(unknown.text()).isEqualTo(2);
            assertThat(unknown.text())
                    .contains(
                            "two connections share a session of the server",
                            "set pooler = transaction for this database")
                    .doesNotContain("trying batches", "range:");

            Path config = Files.writeString(
                    directory.resolve("dry.conf"),
                    "databases.main { url = \"%s\", pooler = transaction, owner.url = \"%s\" }"
                            .formatted(bouncer.jdbcUrl(database), database.jdbcUrl()));
            CommandResult known =
                    CommandResult.of("dry-run", job.toString(), "--config", config.toString(), "--sample");
            assertThat(known.exit()).as(known.text()).isZero();
            assertThat(known.text())
                    .contains("at the start: 100 keys, 100 rows changed", "at the end: 100 keys, 100 rows changed")
                    .contains("RowExclusiveLock on c", "by what these batches took")
                    .doesNotContain("WARNING", "a run would");
            assertThat(database.queryLong("SELECT max(n) FROM c")).isZero();
        }
    }

    private static String yaml(String job, String schedule, Duration batch) {
        return """
                version: 1
                job: %s
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(%s)) IS NOT NULL
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 100, max: 100 }
                schedule: { %s }
                """.formatted(job, batch.toMillis() / 1000.0, schedule);
    }

    private PgBouncer bouncer(TestRole... users) throws Exception {
        return PgBouncer.start(Files.createDirectory(directory.resolve("bouncer")), database.server(), SESSIONS, users);
    }

    private Daemon start(String name, PgBouncer bouncer) throws Exception {
        return start(name, bouncer.jdbcUrl(database));
    }

    private Daemon start(String name, String url) throws Exception {
        return Daemon.start(
                directory.resolve(name),
                Map.of("main", url),
                "lease = 2s",
                "databases.main { max-workers = 1, pooler = transaction, owner.url = \"%s\" }"
                        .formatted(database.jdbcUrl()));
    }

    private void awaitWork(Daemon daemon) {
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> slicesOf(daemon) > 0);
    }

    private long slicesOf(Daemon daemon) throws Exception {
        return database.queryLong(
                "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND owner LIKE '%%/%d/%%'"
                        .formatted(daemon.process().pid()));
    }

    private static void awaitBatches(Oracle oracle, int more) throws Exception {
        long before = oracle.batches();
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> oracle.batches() >= before + more);
    }
}
