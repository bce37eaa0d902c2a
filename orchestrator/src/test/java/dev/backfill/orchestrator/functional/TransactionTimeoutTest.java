package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A server that ends every transaction after half a second (25P04), which its owner wants, and the daemon is told not to
 * say otherwise. A batch lasts 10 ms a row.
 */
class TransactionTimeoutTest {

    private static final int ROWS = 400;
    private static final int SLOW = 271;
    private static final String ENDED = "terminating connection due to transaction timeout";

    @TempDir
    private Path directory;

    static IntStream versions() {
        return TestPostgres.versions().filter(version -> version >= 17);
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_batch_that_is_ended_for_its_time_is_halved_until_it_fits(int version) throws Exception {
        try (TestDatabase database = create(version, "0.01");
                Daemon daemon = start(database)) {
            daemon.register("ended", yaml());

            daemon.awaitState("ended", "SUCCEEDED");

            assertEachRowWasChangedOnce(database);
            assertThat(sizes(database))
                    .as("of the first batch that was committed")
                    .startsWith("25");
            assertThat(batches(daemon, "retried")).isGreaterThanOrEqualTo(2);
            assertThat(database.queryLong("SELECT max(fence) FROM backfill.slice"))
                    .as("the slice was claimed anew each time")
                    .isGreaterThanOrEqualTo(3);
            assertThat(database.queryLong("SELECT max(attempts) FROM backfill.slice"))
                    .as("batches that seem to have taken their worker with them")
                    .isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_row_whose_session_is_ended_each_time_pauses_the_run(int version) throws Exception {
        try (TestDatabase database = create(version, "CASE id WHEN " + SLOW + " THEN 2 ELSE 0 END");
                Daemon daemon = start(database)) {
            daemon.register("ended", yaml());

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

    private static TestDatabase create(int version, String seconds) throws Exception {
        TestDatabase database = TestPostgres.version(version).newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, " + ROWS + ") AS g",
                "CREATE TABLE sizes (number serial, size bigint)",
                """
                CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO sizes (size) SELECT count(*) FROM changed;
                    PERFORM pg_sleep(sum(%s)) FROM changed;
                    RETURN NULL;
                END $$
                """.formatted(seconds),
                "CREATE TRIGGER dawdle AFTER UPDATE ON c REFERENCING NEW TABLE AS changed"
                        + " FOR EACH STATEMENT EXECUTE FUNCTION dawdle()");
        return database;
    }

    /** Its sessions of before do not have the time-out yet; those of the workers come later. */
    private Daemon start(TestDatabase database) throws Exception {
        Daemon daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "databases.main.session.idle-in-transaction-timeout = off");
        database.execute("ALTER DATABASE " + database.name() + " SET transaction_timeout = '500ms'");
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

    private static long batches(Daemon daemon, String outcome) throws Exception {
        return HalvingTest.batches(daemon, "ended", outcome);
    }

    private static String yaml() {
        return """
                version: 1
                job: ended
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 10, max: 100, target: 100ms }
                errors: { quarantine: 5, statement-timeout: 10s }
                """;
    }
}
