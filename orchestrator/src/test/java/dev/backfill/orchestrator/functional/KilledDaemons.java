package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.Step.Cell;
import dev.backfill.orchestrator.testing.FaultProxy;
import dev.backfill.orchestrator.testing.FaultProxy.Moment;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.Trap;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Daemons on a database, one after the other, each killed at a moment of a {@link Step} over the network. That the moment
 * was met shows in the log of the server, which has to write {@linkplain StatementLog#SETTINGS every statement}.
 */
final class KilledDaemons implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(40);

    /** How long a batch of the oracle's lasts. */
    static final Duration BATCH = Duration.ofMillis(30);

    private static final int SIGKILL = 128 + 9;

    private final OwnServer server;
    private final Path directory;
    private final TestDatabase database;
    private final FaultProxy proxy;
    private int kills;

    private KilledDaemons(OwnServer server, Path directory) throws IOException, SQLException {
        this.server = server;
        this.directory = directory;
        this.database = server.postgres().newDatabase();
        this.proxy = FaultProxy.to(database.server());
    }

    /** On a new database of a server; what the daemons have for themselves is in a directory. */
    static KilledDaemons on(OwnServer server, Path directory) throws IOException, SQLException {
        return new KilledDaemons(server, directory);
    }

    TestDatabase database() {
        return database;
    }

    /** How many were killed until now. */
    int kills() {
        return kills;
    }

    /** Creates an oracle, and a file with its job, which ends in these lines. */
    Oracle oracle(int rows, int keys, String... more) throws Exception {
        Oracle oracle = Oracle.create(database, rows);
        write(oracle.yaml(keys, BATCH) + String.join("\n", more));
        return oracle;
    }

    /** Writes the file with the job. */
    void write(String yaml) throws IOException {
        Path jobs = Files.createDirectories(directory.resolve("jobs"));
        Files.writeString(jobs.resolve("oracle.yaml"), yaml);
    }

    /** What is asked of a daemon; it may be gone before it has answered. */
    interface Call {
        void to(Daemon daemon);
    }

    /** Starts a daemon, and kills it at the moment when it comes there for this time. */
    void kill(Cell cell, int occurrence) throws Exception {
        kill(cell, occurrence, daemon -> {});
    }

    /** The same of a daemon that is asked for something. */
    void kill(Cell cell, int occurrence, Call call) throws Exception {
        CompletableFuture<Daemon> started = new CompletableFuture<>();
        Trap trap = proxy.at(cell.moment(), cell.statement(), occurrence, () -> kill(started.join()));
        int logged = server.log().length();
        try (Daemon daemon = start()) {
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
        await().alias(cell + " is in the server's log, or is not").untilAsserted(() -> {
            String log = server.log().substring(logged);
            assertHit(cell, trap.sent(), StatementLog.of(trap.backend(), log));
        });
        kills++;
        Faults.made(Faults.Kind.KILL);
    }

    /** The session has carried out what was sent before, and this then, unless the server was not to get it. */
    private static void assertHit(Cell cell, String sent, StatementLog session) {
        boolean commit = FaultProxy.COMMIT.test(cell.part());
        if (commit) {
            assertThat(session.hasInItsLastTransaction(cell.step().part())).isTrue();
        }
        if (cell.moment() != Moment.BEFORE) {
            assertThat(session.last()).contains(cell.part());
        } else {
            assertThat(session.endsAsIn(sent))
                    .as("%s ends as %s", session, sent)
                    .isTrue();
        }
    }

    private static void kill(Daemon daemon) {
        try {
            daemon.process().kill9();
            daemon.process().waitFor(PATIENCE);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    void awaitState(String state) {
        await().atMost(PATIENCE)
                .until(() ->
                        database.queryStrings("SELECT state FROM backfill.run").equals(List.of(state)));
    }

    /** Has a daemon that lives resume the run. */
    void resume() throws Exception {
        try (Daemon daemon = start()) {
            daemon.awaitReady();
            daemon.say("resume", Oracle.JOB);
        }
    }

    /** Has a daemon that lives do the rest, each row once. */
    void finish(Oracle oracle) throws Exception {
        oracle.faultIsOver();
        endIn("SUCCEEDED");
        oracle.assertExactlyOnce();
    }

    /** Has a daemon that lives go on until the run is in this state. */
    void endIn(String state) throws Exception {
        try (Daemon daemon = start()) {
            daemon.awaitReady();
            daemon.awaitState(Oracle.JOB, state);
        }
    }

    /** Starts a daemon, which may not be ready. */
    Daemon start() throws IOException {
        return Daemon.startUnready(
                directory,
                UnaryOperator.identity(),
                Map.of("main", database.jdbcUrl(TestPostgres.SUPERUSER, proxy)),
                "lease = 2s");
    }

    @Override
    public void close() throws IOException, SQLException {
        proxy.close();
        database.close();
    }
}
