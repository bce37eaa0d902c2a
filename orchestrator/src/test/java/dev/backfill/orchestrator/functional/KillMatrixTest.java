package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon that is killed at each statement that matters, and at the commit behind it: before the server has it, while
 * the server runs it, and before its answer arrives. The next daemon goes on, and nothing is lost or done twice.
 */
class KillMatrixTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final int SIGKILL = 128 + 9;

    /** What a daemon does, by a part of the statement that does it. */
    private enum Step {
        REGISTRATION("INSERT INTO backfill.job "),
        BEGIN("INSERT INTO backfill.slice (run, number, pass"),
        CLAIM("state = 'RUNNING', owner = "),
        CHANGE("counter = counter + 1"),
        CHECKPOINT("rows_scanned = rows_scanned + "),
        END_OF_THE_WORK("SET state = 'VERIFYING'"),
        COUNT("counter = 0"),
        PROOF("INSERT INTO backfill.proof"),
        CHANGE_OF_STATE("paused_from = CASE WHEN");

        private final String part;

        Step(String part) {
            this.part = part;
        }

        /** The statement itself. */
        Cell at(Moment moment) {
            return new Cell(this, moment, part, (before, sql) -> sql.contains(part) && !sql.startsWith("PREPARE"));
        }

        /** The commit of its transaction. */
        Cell commit(Moment moment) {
            return new Cell(
                    this, moment, "COMMIT", (before, sql) -> FaultProxy.COMMIT.test(sql) && before.contains(part));
        }
    }

    private record Cell(Step step, Moment moment, String part, BiPredicate<String, String> statement) {
        @Override
        public String toString() {
            return moment + " " + (part.equals("COMMIT") ? "the commit of " : "") + step;
        }
    }

    private static OwnServer server;

    @TempDir
    private Path directory;

    private TestDatabase database;
    private FaultProxy proxy;
    private Random random;
    private int kills;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data, "log_statement=all");
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
        proxy = FaultProxy.to(database.server());
        random = Seed.random("kills");
    }

    @AfterEach
    void drop() throws Exception {
        proxy.close();
        database.close();
    }

    @Test
    void at_its_batches() throws Exception {
        try (Oracle oracle = oracle(20_000, 100)) {
            for (Moment moment : Moment.values()) {
                kill(Step.CHANGE.at(moment), 1 + random.nextInt(5));
                kill(Step.CHECKPOINT.at(moment), 1 + random.nextInt(5));
                kill(Step.CHECKPOINT.commit(moment), 1 + random.nextInt(5));
                kill(Step.CLAIM.at(moment), 1 + random.nextInt(2));
                kill(Step.CLAIM.commit(moment), 1 + random.nextInt(2));
            }
            finish(oracle);
        }
        assertThat(kills).isEqualTo(15);
    }

    @Test
    void at_what_begins_and_ends_a_run() throws Exception {
        try (Oracle oracle = oracle(600, 50)) {
            for (Step step : List.of(Step.REGISTRATION, Step.BEGIN, Step.END_OF_THE_WORK, Step.COUNT, Step.PROOF)) {
                for (Moment moment : Moment.values()) {
                    kill(step.at(moment), 1);
                }
                if (step != Step.COUNT) {
                    kill(step.commit(Moment.BEFORE), 1);
                    kill(step.commit(Moment.DURING), 1);
                }
            }
            finish(oracle);
        }
        assertThat(kills).isEqualTo(23);
    }

    @Test
    void when_these_are_committed_and_when_a_person_pauses_the_run() throws Exception {
        try (Oracle oracle = oracle(10_000, 50)) {
            kill(Step.REGISTRATION.commit(Moment.AFTER), 1);
            kill(Step.BEGIN.commit(Moment.AFTER), 1);
            for (Moment moment : Moment.values()) {
                kill(Step.CHANGE_OF_STATE.commit(moment), 1, daemon -> {
                    daemon.awaitReady();
                    daemon.post("/api/v1/jobs/" + Oracle.JOB + "/pause");
                });
                assertThat(database.queryStrings("SELECT state FROM backfill.run"))
                        .as("%s", moment)
                        .containsExactly(moment == Moment.BEFORE ? "RUNNING" : "PAUSED");
                if (moment != Moment.BEFORE) {
                    resume();
                }
            }
            kill(Step.END_OF_THE_WORK.commit(Moment.AFTER), 1);
            kill(Step.PROOF.commit(Moment.AFTER), 1);
            finish(oracle);
        }
        assertThat(kills).isEqualTo(7);
    }

    private Oracle oracle(int rows, int keys) throws Exception {
        Oracle oracle = Oracle.create(database, rows);
        Path jobs = Files.createDirectories(directory.resolve("jobs"));
        Files.writeString(jobs.resolve("oracle.yaml"), oracle.yaml(keys, Duration.ofMillis(30)));
        return oracle;
    }

    /** What is asked of a daemon; it may be gone before it has answered. */
    private interface Call {
        void to(Daemon daemon);
    }

    private void kill(Cell cell, int occurrence) throws Exception {
        kill(cell, occurrence, daemon -> {});
    }

    private void kill(Cell cell, int occurrence, Call call) throws Exception {
        CompletableFuture<Daemon> started = new CompletableFuture<>();
        Trap trap = proxy.at(cell.moment(), cell.statement(), occurrence, () -> kill(started.join()));
        int logged = server.log().length();
        try (Daemon daemon = daemon()) {
            started.complete(daemon);
            CompletableFuture<Void> called = CompletableFuture.runAsync(() -> call.to(daemon));
            try {
                trap.awaitSprung(PATIENCE);
            } catch (AssertionError e) {
                throw new AssertionError(cell + " was not met" + daemon.process(), e);
            }
            assertThat(daemon.process().waitFor(PATIENCE)).as("%s", cell).isEqualTo(SIGKILL);
            called.exceptionally(broken -> null).join();
        }
        if (cell.moment() != Moment.BEFORE) {
            await().alias(cell + " is in the server's log")
                    .until(() -> server.log().substring(logged).contains(cell.part()));
        }
        kills++;
    }

    private static void kill(Daemon daemon) {
        try {
            daemon.process().kill9();
            daemon.process().waitFor(PATIENCE);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void resume() throws Exception {
        try (Daemon daemon = daemon()) {
            daemon.awaitReady();
            daemon.say("resume", Oracle.JOB);
        }
    }

    private void finish(Oracle oracle) throws Exception {
        try (Daemon daemon = daemon()) {
            daemon.awaitReady();
            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
        }
        oracle.assertExactlyOnce();
    }

    private Daemon daemon() throws IOException {
        return Daemon.startUnready(
                directory,
                UnaryOperator.identity(),
                Map.of("main", database.jdbcUrl(TestPostgres.SUPERUSER, proxy)),
                "lease = 2s");
    }
}
