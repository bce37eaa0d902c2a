package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A server that ends every transaction after a second (25P04), which its owner wants, and the daemon is told not to say
 * otherwise. A statement may take longer than that.
 */
class TransactionTimeoutTest {

    private static final int ROWS = 200;
    private static final int SLOW = 71;
    private static final String ENDED = "terminating connection due to transaction timeout";

    @TempDir
    private Path directory;

    static IntStream versions() {
        return TestPostgres.versions().filter(version -> version >= 17);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_batch_that_is_ended_for_its_time_is_halved_until_it_fits(int version) throws Exception {
        try (TestDatabase database = create(version, "nextval('attempts') <= 2");
                Daemon daemon = start(database, "size: 100, min: 10, max: 100")) {
            daemon.awaitState("ended", "SUCCEEDED");

            assertEachRowWasChangedOnce(database);
            assertThat(sizes(database).get(0))
                    .as("of the first batch that was committed")
                    .isEqualTo("25");
            assertThat(HalvingTest.batches(daemon, "ended", "retried")).isEqualTo(2);
            assertThat(database.queryStrings("SELECT fence || ' ' || attempts FROM backfill.slice"))
                    .as("claimed anew each time; batches that seem to have taken their worker with them")
                    .containsExactly("3 0");
        }
    }

    @Test
    void a_row_whose_session_is_ended_each_time_pauses_the_run() throws Exception {
        try (TestDatabase database = create(18, "EXISTS (SELECT FROM changed WHERE id = " + SLOW + ")");
                Daemon daemon = start(database, "size: 5, min: 2, max: 5")) {
            daemon.awaitState("ended", "PAUSED");

            assertThat(daemon.run("ended").path("reason").asString()).contains("at key " + SLOW + ": " + ENDED);
            assertThat(database.queryStrings("SELECT count(*) || ' ' || max(id) FROM c WHERE n = 1"))
                    .containsExactly(SLOW - 1 + " " + (SLOW - 1));
            database.execute("DROP TRIGGER dawdle ON c");
            daemon.say("resume", "ended");
            daemon.awaitState("ended", "SUCCEEDED");
            assertEachRowWasChangedOnce(database);
        }
    }

    /** A batch of which this is true takes too long. */
    private static TestDatabase create(int version, String isSlow) throws Exception {
        TestDatabase database = TestPostgres.version(version).newDatabase();
        database.execute(
                "ALTER DATABASE " + database.name() + " SET deadlock_timeout = '20s'",
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, " + ROWS + ") AS g",
                "ANALYZE c",
                "CREATE SEQUENCE attempts",
                "CREATE TABLE sizes (number serial, size bigint)",
                """
                CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO sizes (size) SELECT count(*) FROM changed;
                    IF %s THEN PERFORM pg_sleep(8); END IF;
                    RETURN NULL;
                END $$
                """.formatted(isSlow),
                "CREATE TRIGGER dawdle AFTER UPDATE ON c REFERENCING NEW TABLE AS changed"
                        + " FOR EACH STATEMENT EXECUTE FUNCTION dawdle()");
        return database;
    }

    /** The sessions that it has by then have no such time-out; those of the workers come later. */
    private Daemon start(TestDatabase database, String batch) throws Exception {
        Daemon daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "databases.main.session.idle-in-transaction-timeout = off");
        daemon.register("ended", yaml(batch));
        database.execute("ALTER DATABASE " + database.name() + " SET transaction_timeout = '1s'");
        daemon.say("start", "ended");
        return daemon;
    }

    private static List<String> sizes(TestDatabase database) throws Exception {
        return database.queryStrings("SELECT size FROM sizes ORDER BY number");
    }

    private static void assertEachRowWasChangedOnce(TestDatabase database) throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 x " + ROWS);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    private static String yaml(String batch) {
        return """
                version: 1
                job: ended
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                schedule: { start: manual }
                batch: { %s }
                errors: { quarantine: 5, statement-timeout: 10s }
                """.formatted(batch);
    }
}
