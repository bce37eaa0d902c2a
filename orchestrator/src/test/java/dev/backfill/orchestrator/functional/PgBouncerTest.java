package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.PgBouncer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Daemons and an application behind PgBouncer in transaction mode, where Debian's package is installed. */
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
            application.awaitLooks(20);
            assertThat(bouncer.clients(database)).hasSizeGreaterThan(SESSIONS);
            assertThat(bouncer.sessions(database)).hasSizeLessThanOrEqualTo(SESSIONS);
            assertThat(database.queryLong("SELECT count(*) FROM backfill.slice WHERE backend_pid IS NOT NULL"))
                    .as("slices bound to a session that is the pooler's")
                    .isZero();

            killed.process().kill9();
            killed.process().waitFor(PATIENCE);
            awaitBatches(oracle, 10);
            bouncer.kill9();
            await().atMost(PATIENCE)
                    .until(() ->
                            daemon.get("/api/v1/databases").body().toString().contains("\"up\":false"));
            bouncer.startAgain();
            awaitBatches(oracle, 10);
            daemon.say("pause", Oracle.JOB);
            daemon.awaitState(Oracle.JOB, "PAUSED");
            daemon.say("resume", Oracle.JOB);

            await().atMost(PATIENCE).until(() -> daemon.state(Oracle.JOB).equals("SUCCEEDED"));
            oracle.assertExactlyOnce();
            application.assertThatNothingWasSet();
        }
    }

    private PgBouncer bouncer(TestRole... users) throws Exception {
        return PgBouncer.start(Files.createDirectory(directory.resolve("bouncer")), database.server(), SESSIONS, users);
    }

    private Daemon start(String name, PgBouncer bouncer) throws Exception {
        return Daemon.start(
                directory.resolve(name),
                Map.of("main", bouncer.jdbcUrl(database)),
                "lease = 2s",
                "databases.main { pooler = transaction, owner.url = \"%s\" }".formatted(database.jdbcUrl()));
    }

    private void awaitWork(Daemon daemon) {
        String working = "SELECT count(*) FROM backfill.slice WHERE state = 'RUNNING' AND owner LIKE '%%/%d/%%'"
                .formatted(daemon.process().pid());
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> database.queryLong(working) > 0);
    }

    private static void awaitBatches(Oracle oracle, int more) throws Exception {
        long before = oracle.batches();
        await().atMost(PATIENCE).pollInterval(LOOK).until(() -> oracle.batches() >= before + more);
    }
}
