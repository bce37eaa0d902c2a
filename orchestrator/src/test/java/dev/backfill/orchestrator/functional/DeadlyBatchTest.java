package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A row that takes its worker with it, the server or the whole process, again and again. */
class DeadlyBatchTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 2000;
    private static final int DEADLY = 1234;

    /** Kills the server's process of this session; the whole server starts again then. */
    private static final String CRASH = "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID';";

    @TempDir
    private Path directory;

    private static OwnServer server;
    private TestDatabase database;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @BeforeEach
    void create() throws Exception {
        database = server.postgres().newDatabase();
        database.execute("CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)");
        database.execute("INSERT INTO c SELECT g FROM generate_series(1, %d) AS g".formatted(ROWS));
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void one_that_crashes_the_server_is_found_and_set_aside() throws Exception {
        deadly(CRASH);

        CommandResult result = run(job("{ quarantine: 1 }", 100));

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertOnlyThatIsSetAside();
        assertThat(result.text()).contains("workers are gone in mid-batch again and again");
    }

    @Test
    void without_a_budget_it_pauses_the_run_and_a_resume_tries_it_anew() throws Exception {
        deadly(CRASH);
        Path job = job("{ quarantine: 0 }", 100);

        assertThat(run(job).exit()).isEqualTo(3);
        assertThat(database.queryStrings("SELECT reason FROM backfill.run").get(0))
                .contains("key " + DEADLY, "the worker was gone");
        database.execute("DROP TRIGGER deadly ON c");
        assertThat(run(job).exit()).isZero();

        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n <> 1")).isZero();
    }

    @Test
    void one_that_ends_the_process_is_found_over_restarts() throws Exception {
        deadly("PERFORM pg_sleep(0.5);");
        Path job = job("{ quarantine: 1, attempts: 1 }", 4);
        int kills = 0;
        while (true) {
            Awaitility.await().atMost(PATIENCE).until(() -> !isOnDeadlyRow()); // the one before is gone, too
            try (BackfillProcess process = BackfillProcess.builder(
                            "run", job.toString(), "--database", database.jdbcUrl())
                    .start()) {
                Awaitility.await()
                        .atMost(PATIENCE)
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> !process.isAlive() || isOnDeadlyRow());
                if (!process.isAlive()) {
                    break;
                }
                kills++; // closing kills it
            }
        }

        assertThat(kills).isBetween(3, 8);
        assertOnlyThatIsSetAside();
    }

    private boolean isOnDeadlyRow() throws Exception {
        return database.queryLong("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        + " AND wait_event = 'PgSleep'")
                > 0;
    }

    private void assertOnlyThatIsSetAside() throws Exception {
        assertThat(database.queryStrings("SELECT key ->> 0 || ' ' || error_class FROM backfill.quarantine"))
                .containsExactly(DEADLY + " SESSION_LOST");
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM c GROUP BY n ORDER BY n"))
                .containsExactly("0 x 1", "1 x " + (ROWS - 1));
        assertThat(database.queryStrings("SELECT state FROM backfill.run")).containsExactly("FAILED");
    }

    private void deadly(String what) throws Exception {
        database.execute("CREATE FUNCTION deadly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + what
                + " RETURN NEW; END $$");
        database.execute("CREATE TRIGGER deadly BEFORE UPDATE ON c FOR EACH ROW WHEN (OLD.id = " + DEADLY
                + ") EXECUTE FUNCTION deadly()");
    }

    private CommandResult run(Path job) throws Exception {
        return CommandResult.ofProcess(PATIENCE, "run", job.toString(), "--database", database.jdbcUrl());
    }

    private Path job(String errors, int size) throws Exception {
        return CountedTable.job(
                directory,
                CountedTable.BY_KEY,
                "batch: { size: %1$d, min: %1$d, max: %1$d }".formatted(size),
                "errors: " + errors);
    }
}
