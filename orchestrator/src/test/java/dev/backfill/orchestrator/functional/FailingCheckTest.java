package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A {@code remaining} that cannot be evaluated for one row: all has been changed by then, and only the count fails. */
class FailingCheckTest {

    private static final int ROWS = 3_000;

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(directory, database);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    /** The row is among those whose key has a value, or among those whose key is NULL. */
    @ParameterizedTest
    @CsvSource({"among-the-rows, 1501", "among-the-nulls, 1500"})
    void pauses_the_run_which_goes_on_counting_once_that_is_mended(String job, int bad) throws Exception {
        create(job, bad);
        daemon.register(job, yaml(job));

        daemon.awaitState(job, "PAUSED");

        assertThat(daemon.run(job).path("reason").asString()).contains("division by zero (SQLSTATE 22012)");
        assertEachRowWasChangedOnce(job);
        List<String> batches = batches(job);
        assertThat(batches).hasSizeGreaterThan(1);

        daemon.say("resume", job);
        daemon.awaitRun(job, run -> pauses(job) == 2);
        daemon.awaitState(job, "PAUSED");
        assertThat(daemon.run(job).path("reason").asString()).contains("division by zero (SQLSTATE 22012)");

        database.execute("UPDATE \"%s\" SET d = 1 WHERE d = 0".formatted(job));
        daemon.say("resume", job);
        daemon.awaitState(job, "SUCCEEDED");

        assertThat(states(job))
                .containsExactly(
                        "PENDING RUNNING",
                        "RUNNING VERIFYING",
                        "VERIFYING PAUSED",
                        "PAUSED VERIFYING",
                        "VERIFYING PAUSED",
                        "PAUSED VERIFYING",
                        "VERIFYING SUCCEEDED");
        assertThat(batches(job)).isEqualTo(batches);
        assertEachRowWasChangedOnce(job);
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof WHERE job = '" + job + "'"))
                .containsExactly("0");
    }

    @Test
    void in_the_foreground_it_ends_as_paused_and_the_next_call_only_counts(@TempDir Path elsewhere) throws Exception {
        create("foreground", 1501);
        Path job = CountedTable.write(elsewhere, yaml("foreground"));

        CommandResult first = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

        assertThat(first.exit()).as(first.text()).isEqualTo(3);
        assertThat(first.text()).contains("division by zero (SQLSTATE 22012)");
        List<String> batches = batches("foreground");
        database.execute("UPDATE foreground SET d = 1 WHERE d = 0");
        CommandResult second = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());
        assertThat(second.exit()).as(second.text()).isZero();
        assertThat(second.text()).contains("proof: 0 rows left to do in the whole range");
        assertThat(batches("foreground")).isEqualTo(batches);
        assertEachRowWasChangedOnce("foreground");
    }

    @Test
    void a_check_of_an_ended_run_says_it_and_leaves_the_run_as_it_is() throws Exception {
        create("ended", 0);
        daemon.register("ended", yaml("ended"));
        daemon.awaitState("ended", "SUCCEEDED");
        database.execute("UPDATE ended SET d = 0 WHERE id = 17");

        CommandResult verify = CommandResult.of("verify", "ended", "--server", daemon.address());

        assertThat(verify.exit()).as(verify.text()).isEqualTo(1);
        assertThat(verify.text()).contains("has come to no proof: division by zero (SQLSTATE 22012)");
        assertThat(daemon.state("ended")).isEqualTo("SUCCEEDED");
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof WHERE job = 'ended'"))
                .containsExactly("0");
    }

    private static void create(String job, int bad) throws Exception {
        database.execute(
                "CREATE TABLE \"%s\" (id int PRIMARY KEY, k int, n int NOT NULL DEFAULT 0, d int NOT NULL DEFAULT 1)"
                        .formatted(job),
                "INSERT INTO \"%s\" SELECT g, CASE WHEN g %% 2 = 1 THEN g END FROM generate_series(1, %d) AS g"
                        .formatted(job, ROWS),
                "UPDATE \"%s\" SET d = 0 WHERE id = %d".formatted(job, bad),
                "CREATE INDEX ON \"%s\" (k)".formatted(job),
                "VACUUM ANALYZE \"%s\"".formatted(job));
    }

    private static long pauses(String job) throws Exception {
        return states(job).stream().filter("VERIFYING PAUSED"::equals).count();
    }

    /** The changes of state, one after the other. */
    private static List<String> states(String job) throws Exception {
        return database.queryStrings("SELECT e.\"from\" || ' ' || e.\"to\" FROM backfill.event e"
                + " JOIN backfill.run r ON r.id = e.run WHERE r.job = '" + job
                + "' AND e.\"from\" IS NOT NULL ORDER BY e.id");
    }

    private static List<String> batches(String job) throws Exception {
        return new ArrayList<>(database.queryStrings(
                "SELECT concat_ws(' ', number, batches, rows_scanned, rows_changed, fence, checkpoint)"
                        + " FROM backfill.slice JOIN backfill.run r ON r.id = run WHERE job = '" + job
                        + "' ORDER BY number"));
    }

    private static void assertEachRowWasChangedOnce(String job) throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM \"" + job + "\" GROUP BY n"))
                .containsExactly("1 x " + ROWS);
    }

    private static String yaml(String job) {
        return """
                version: 1
                job: %1$s
                table: '"%1$s"'
                range: { by: id, column: k }
                sql: UPDATE "%1$s" SET n = n + 1 WHERE :range
                verify: { remaining: n = 1 / d - 1 }
                batch: { size: 100, min: 100, max: 100 }
                """.formatted(job);
    }
}
