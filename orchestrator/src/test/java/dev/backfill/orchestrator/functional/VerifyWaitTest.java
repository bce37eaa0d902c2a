package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A check that takes its time, because a transaction that has written is open: what its caller can do meanwhile. */
class VerifyWaitTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration SOON = Duration.ofSeconds(3);

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, 300) AS g",
                "CREATE TABLE d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO d SELECT g FROM generate_series(1, 300) AS g");
        daemon = Daemon.start(directory, database);
        daemon.register("done", yaml("done", "c", "update: { set: { n: n + 1 }, where: n = 0 }"));
        daemon.awaitState("done", "SUCCEEDED");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @ParameterizedTest
    @EnumSource(InterruptionTest.Request.class)
    void whoever_does_not_wait_for_it_leaves_it_going_on(InterruptionTest.Request request) throws Exception {
        String before = latest("done");
        try (Connection open = open();
                BackfillProcess process = verify("done")) {
            awaitWaiting(process, "done");

            request.to(process);

            assertThat(process.waitFor(SOON)).as(process::toString).isEqualTo(3);
            assertThat(process.errors())
                    .contains("waiting for the check of job done in main; Ctrl-C leaves it going on")
                    .contains("interrupted; the check goes on, and `backfill proof done` tells what it finds");
            CommandResult proof = CommandResult.of("proof", "done", "--server", daemon.address());
            assertThat(proof.text()).contains("is being checked again now", before);
            open.rollback();
        }
        await().atMost(PATIENCE).until(() -> !latest("done").equals(before));
    }

    @Test
    void a_run_that_is_tried_again_drops_its_check() throws Exception {
        daemon.register("fails", yaml("fails", "d", "sql: UPDATE d SET n = 0 WHERE n = 1 AND :range"));
        daemon.awaitState("fails", "FAILED");
        try (Connection open = open();
                BackfillProcess process = verify("fails")) {
            awaitWaiting(process, "fails");
            String run = daemon.say("retry", "fails").path("id").asString();

            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(1);
            assertThat(process.output())
                    .containsPattern("database main: run " + run
                            + " goes on \\((RUNNING|VERIFYING)\\), which dropped the check; its end makes a proof")
                    .doesNotContain("remaining");
            open.rollback();
        }
        daemon.awaitState("fails", "FAILED");
    }

    @ParameterizedTest
    @ValueSource(strings = {"proof", "verify"})
    void a_daemon_that_says_nothing_keeps_nobody_from_leaving(String command) throws Exception {
        try (Stranger silent = Stranger.silent();
                BackfillProcess process = BackfillProcess.start(command, "done", "--server", silent.address())) {
            assertThat(silent.asked().await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();

            process.sigint();

            assertThat(process.waitFor(SOON)).as(process::toString).isEqualTo(3);
            assertThat(process.errors()).contains("backfill: interrupted before the ");
        }
    }

    private static BackfillProcess verify(String job) throws Exception {
        return BackfillProcess.start("verify", job, "--server", daemon.address());
    }

    private static void awaitWaiting(BackfillProcess process, String job) {
        await().atMost(PATIENCE)
                .until(() -> process.errors().contains("waiting for the check of job " + job)
                        && !daemon.get("/api/v1/jobs/" + job + "/proof")
                                .body()
                                .path("checking")
                                .isEmpty());
    }

    private static String latest(String job) {
        return daemon.get("/api/v1/jobs/" + job + "/proof")
                .body()
                .at("/proofs/0/at")
                .asString();
    }

    /** A transaction that has written; a check waits for its end. */
    private static Connection open() throws Exception {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        connection.createStatement().execute("CREATE TABLE of_another ()");
        return connection;
    }

    private static String yaml(String job, String table, String work) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                %s
                verify: { remaining: n = 0 }
                """.formatted(job, table, work);
    }
}
