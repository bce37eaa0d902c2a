package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rows whose range column is NULL, every fifth, belong to the range, and so to its proof. Each case is a job of its own,
 * all in one daemon.
 */
class ProofOfNullsTest {

    private static final int ROWS = 1_000;
    private static final int KEPT = 5_000;
    private static final int LATE = 2_345;
    private static final int BEYOND = 99_999;

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
        daemon = Daemon.start(
                directory, Map.of("main", database.jdbcUrl()), "workers = 30", "databases.main.max-workers = 30");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @ParameterizedTest
    @CsvSource({"kept-update, asc, 2", "kept-update-down, desc, 2", "kept-sql, asc, 1", "kept-sql-down, desc, 1"})
    void one_that_a_trigger_keeps_as_it_was_fails_the_run_and_is_named(String job, String order, int passes)
            throws Exception {
        create(job);
        database.execute(
                "CREATE TRIGGER keep BEFORE UPDATE ON \"%s\" FOR EACH ROW WHEN (OLD.id = %d) EXECUTE FUNCTION keep()"
                        .formatted(job, KEPT));

        daemon.register(job, yaml(job, order));
        daemon.awaitState(job, "FAILED");

        assertThat(daemon.run(job).path("reason").asString())
                .isEqualTo("1 rows still meet `remaining`, the first at [null, " + KEPT + "]");
        assertRun(job, "FAILED " + passes + " 1", "0 x 1, 1 x " + (ROWS - 1));
        CommandResult proof = CommandResult.of("proof", job, "--server", daemon.address());
        assertThat(proof.exit()).as(proof.text()).isEqualTo(1);
        assertThat(proof.text()).contains("1 rows are still to do", "and the rows whose range column is NULL");

        database.execute("DROP TRIGGER keep ON \"" + job + "\"", "UPDATE \"" + job + "\" SET n = 1 WHERE n = 0");
        daemon.say("retry", job);
        daemon.awaitState(job, "SUCCEEDED");
        assertRun(job, "SUCCEEDED " + passes + " 0", "1 x " + ROWS);
    }

    /**
     * Among the keys of those that there were, where the run would have taken it, had it been there; behind the last of
     * them; or where there were none.
     */
    @Test
    void one_that_came_late_is_found_and_one_beyond_the_end_is_reported() throws Exception {
        Map<String, String> orders = Map.of(
                "late-update", "asc",
                "late-update-down", "desc",
                "late-sql", "asc",
                "late-sql-down", "desc",
                "beyond-sql", "asc",
                "first-sql", "asc");
        for (String job : orders.keySet()) {
            create(job);
        }
        database.execute("DELETE FROM \"first-sql\" WHERE at IS NULL");
        try (Connection late = database.connect()) {
            late.setAutoCommit(false);
            for (String job : orders.keySet()) {
                late.createStatement()
                        .execute("INSERT INTO \"%s\" VALUES (%d, NULL)"
                                .formatted(job, job.startsWith("late") ? LATE : BEYOND));
            }
            orders.forEach((job, order) -> daemon.register(job, yaml(job, order)));
            for (String job : orders.keySet()) {
                daemon.awaitRun(
                        job, run -> run.path("hold").path("reason").asString("").equals("open-transactions"));
            }
            late.commit();
        }
        for (String job : orders.keySet()) {
            daemon.awaitRun(job, run -> run.path("state").asString("").matches("SUCCEEDED|FAILED|PAUSED"));
        }
        assertRun("late-update", "SUCCEEDED 2 0", "1 x " + (ROWS + 1));
        assertRun("late-update-down", "SUCCEEDED 2 0", "1 x " + (ROWS + 1));
        for (String job : new String[] {"late-sql", "late-sql-down"}) {
            assertRun(job, "FAILED 1 1", "0 x 1, 1 x " + ROWS);
            assertThat(daemon.run(job).path("reason").asString())
                    .isEqualTo("1 rows still meet `remaining`, the first at [null, " + LATE + "]");
        }
        assertRun("beyond-sql", "SUCCEEDED 1 0", "0 x 1, 1 x " + ROWS);
        assertRun("first-sql", "SUCCEEDED 1 0", "0 x 1, 1 x " + ROWS * 4 / 5);
        for (String job : new String[] {"beyond-sql", "first-sql"}) {
            assertThat(daemon.run(job).path("reason").asString()).startsWith("1 rows beyond the end of the range");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"update", "sql"})
    void a_check_of_an_ended_run_finds_one_that_is_to_do_again(String work) throws Exception {
        String job = "again-" + work;
        create(job);
        daemon.register(job, yaml(job, "asc"));
        daemon.awaitState(job, "SUCCEEDED");
        database.execute("UPDATE \"%s\" SET n = 0 WHERE id = %d".formatted(job, KEPT));

        CommandResult verify = CommandResult.of("verify", job, "--server", daemon.address());

        assertThat(verify.exit()).as(verify.text()).isEqualTo(1);
        assertThat(verify.text()).contains("1 rows are still to do");
    }

    /** The keys are 10, 20 and so on. */
    private static void create(String job) throws Exception {
        database.execute(
                "CREATE TABLE \"%s\" (id int PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0)".formatted(job),
                "INSERT INTO \"%s\" SELECT g * 10, CASE WHEN g %% 5 > 0 THEN timestamptz '2026-01-01' + g * interval '1 h' END"
                                .formatted(job)
                        + " FROM generate_series(1, " + ROWS + ") AS g",
                "CREATE INDEX ON \"%s\" (at)".formatted(job),
                "VACUUM ANALYZE \"%s\"".formatted(job));
    }

    /** State, passes and rows left; and how often the rows were changed. */
    private static void assertRun(String job, String end, String rows) throws Exception {
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"
                        + " WHERE job = '" + job + "'"))
                .as("%s", daemon.run(job))
                .containsExactly(end);
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM \"" + job + "\" GROUP BY n ORDER BY n"))
                .as(job)
                .containsExactly(rows.split(", "));
        assertThat(database.queryStrings(
                        "SELECT remaining FROM backfill.proof WHERE job = '" + job + "' ORDER BY at DESC LIMIT 1"))
                .containsExactly(end.substring(end.lastIndexOf(' ') + 1));
    }

    private static String yaml(String job, String order) {
        String work = job.contains("update")
                ? "update: { set: { n: n + 1 }, where: n = 0 }"
                : "sql: UPDATE \"" + job + "\" SET n = n + 1 WHERE :range";
        return """
                version: 1
                job: %1$s
                table: '"%1$s"'
                range: { by: time, column: at, order: %2$s }
                %3$s
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 100, max: 100 }
                """.formatted(job, order, work);
    }
}
