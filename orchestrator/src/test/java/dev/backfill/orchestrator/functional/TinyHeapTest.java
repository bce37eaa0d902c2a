package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose heap is full in mid-work ends, and the next goes on. */
@Tag("storm")
class TinyHeapTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final Duration BATCH = Duration.ofMillis(20);

    private static final int EXIT_OF_A_FULL_HEAP = 3;

    @TempDir
    private Path directory;

    /** The heap is as {@code backfill} sets it up, but for its size; what fills it is the message of an error. */
    @Test
    void the_daemon_ends_and_the_next_loses_nothing() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, 20_000)) {
            database.execute(
                    "CREATE TABLE shout ()",
                    "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM shout)"
                            + " THEN RAISE EXCEPTION '%', repeat('x', 60000000); END IF; RETURN NEW; END $$",
                    "CREATE TRIGGER shout BEFORE UPDATE OF counter ON t FOR EACH ROW WHEN (OLD.id % 1000 = 0)"
                            + " EXECUTE FUNCTION shout()");
            try (Daemon daemon = Daemon.start(
                    directory,
                    process -> process.option("-Xmx40m").option("-XX:+ExitOnOutOfMemoryError"),
                    Map.of("main", database.jdbcUrl()),
                    "lease = 2s")) {
                daemon.register(Oracle.JOB, oracle.yaml(50, BATCH));
                await().atMost(PATIENCE).until(() -> oracle.batches() > 10);
                database.execute("INSERT INTO shout DEFAULT VALUES");
                assertThat(daemon.process().waitFor(PATIENCE)).isEqualTo(EXIT_OF_A_FULL_HEAP);
                assertThat(daemon.process().output()).contains("java.lang.OutOfMemoryError: Java heap space");
                oracle.faultIsOver();
            }
            database.execute("TRUNCATE shout");
            try (Daemon daemon = Daemon.start(directory, database)) {
                daemon.awaitState(Oracle.JOB, "SUCCEEDED");
                oracle.assertExactlyOnce();
            }
        }
    }
}
