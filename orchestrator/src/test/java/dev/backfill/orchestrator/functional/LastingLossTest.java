package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions that are lost again and again through no fault of a row: the run waits, and sets nothing aside. */
class LastingLossTest {

    private static final int ROWS = 1500;
    private static final int SLOW = 271;
    private static final Duration LONG_ENOUGH_TO_BLAME_A_ROW = Duration.ofSeconds(6);

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g FROM generate_series(1, %d) AS g".formatted(ROWS));
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void another_server_that_a_trigger_needs_is_away_for_long() throws Exception {
        database.execute("CREATE TABLE away ()");
        database.execute("INSERT INTO away DEFAULT VALUES");
        trigger("IF EXISTS (SELECT FROM away) THEN RAISE sqlstate '08001' USING MESSAGE = 'no such host'; END IF;", "");
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("job", yaml("quarantine: 5"));
            daemon.awaitRun(
                    "job", run -> run.path("hold").path("reason").asString("").equals("database-down"));
            assertThat(daemon.run("job").path("hold").path("detail").asString()).contains("no such host");
            await().during(LONG_ENOUGH_TO_BLAME_A_ROW)
                    .atMost(LONG_ENOUGH_TO_BLAME_A_ROW.plusSeconds(5))
                    .until(this::isAllAsItShouldBe);

            database.execute("TRUNCATE away");

            daemon.awaitState("job", "SUCCEEDED");
        }
        assertEachChangedOnce();
    }

    @Test
    void somebody_ends_every_session_that_changes_rows_for_long() throws Exception {
        database.execute(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END'",
                "CREATE TRIGGER slow BEFORE UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION slow()");
        try (Daemon daemon = Daemon.start(directory, database);
                Connection other = database.connect()) {
            daemon.register("job", yaml("quarantine: 5, attempts: 2"));
            daemon.awaitState("job", "RUNNING");
            long ended = 0;
            long begun = System.nanoTime();
            while (System.nanoTime() - begun < LONG_ENOUGH_TO_BLAME_A_ROW.toNanos()) {
                try (var row = other.createStatement()
                        .executeQuery("SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
                                + " WHERE datname = current_database() AND wait_event = 'PgSleep'")) {
                    row.next();
                    ended += row.getLong(1);
                }
                assertThat(isAllAsItShouldBe()).isTrue();
            }
            assertThat(ended).isGreaterThan(5);

            daemon.awaitState("job", "SUCCEEDED");
        }
        assertEachChangedOnce();
    }

    /** The session is gone each time, and the row is too slow all the same: it is not its data that is at fault. */
    @Test
    void a_row_whose_session_is_ended_for_its_time_pauses_the_run() throws Exception {
        trigger(
                "PERFORM pg_sleep(0.3); RAISE sqlstate '25P04' USING MESSAGE = 'the transaction took too long';",
                "WHEN (OLD.id = " + SLOW + ")");
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("job", yaml("quarantine: 5, attempts: 2"));

            daemon.awaitState("job", "PAUSED");

            assertThat(daemon.run("job").path("reason").asString())
                    .contains("at key " + SLOW + ": the transaction took too long");
            assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                    .isZero();
            database.execute("DROP TRIGGER trigger ON c");
            daemon.say("resume", "job");
            daemon.awaitState("job", "SUCCEEDED");
        }
        assertEachChangedOnce();
    }

    private boolean isAllAsItShouldBe() throws Exception {
        return database
                .queryStrings(
                        "SELECT state || ' ' || (SELECT count(*) FROM backfill.quarantine)" + " FROM backfill.run")
                .stream()
                .allMatch(state -> state.equals("RUNNING 0"));
    }

    private void assertEachChangedOnce() throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 x " + ROWS);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    private void trigger(String what, String when) throws Exception {
        database.execute(
                "CREATE FUNCTION trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + what
                        + " RETURN NEW; END $$",
                "CREATE TRIGGER trigger BEFORE UPDATE ON c FOR EACH ROW " + when + " EXECUTE FUNCTION trigger()");
    }

    private static String yaml(String errors) {
        return """
                version: 1
                job: job
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                parallelism: 1
                batch: { size: 100, min: 100, max: 100 }
                errors: { %s }
                """.formatted(errors);
    }
}
