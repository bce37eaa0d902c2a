package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/**
 * How often a run goes over its range. A trigger lets every fiftieth row be changed only from the pass on that it is due
 * in. Each case is a job of its own, all in one daemon.
 */
class FurtherPassesTest {

    private static final int ROWS = 2_000;

    /** What the changes are; nothing but the pass keeps the first two from what is done. */
    enum Work {
        UPDATE("update: { set: { n: n + 1 }, where: n >= 0 }"),
        DELETE("delete: { where: n >= 0 }"),
        SQL("sql: UPDATE \"{}\" SET n = n + 1 WHERE :range AND n = 0\nidempotent: true"),
        PROCESSOR("processor: { type: dev.backfill.orchestrator.functional.Repeater }\nidempotent: true"),
        ONCE("sql: UPDATE \"{}\" SET n = n + 1 WHERE :range AND n = 0"),
        PROCESSOR_ONCE("processor: { type: dev.backfill.orchestrator.functional.Repeater }\nidempotent: false");

        private final String yaml;

        Work(String yaml) {
            this.yaml = yaml;
        }

        String job(String due) {
            return name().toLowerCase(Locale.ROOT).replace('_', '-') + "-" + due;
        }
    }

    /** In which pass every fiftieth row, g, is due. */
    private static final Map<String, String> DUE = Map.of(
            "second", "2",
            "third", "CASE WHEN g <= 500 THEN 2 ELSE 3 END",
            "fourth", "CASE WHEN g <= 500 THEN 2 WHEN g <= 1000 THEN 3 ELSE 4 END",
            "never", "9",
            "never-again", "9");

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void runAll(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE tries (job text NOT NULL, id int NOT NULL, pass int NOT NULL, let boolean NOT NULL)",
                """
                CREATE FUNCTION let_what_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE
                    present int := (SELECT pass FROM backfill.run WHERE job = TG_TABLE_NAME);
                BEGIN
                    INSERT INTO tries VALUES (TG_TABLE_NAME, OLD.id, present, OLD.due <= present);
                    IF OLD.due > present THEN
                        RETURN NULL;
                    END IF;
                    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
                END $$
                """);
        PluginJar.write(directory.resolve("plugins/repeater.jar"), Repeater.class);
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "plugins = \"" + directory.resolve("plugins") + "\"",
                "workers = 30",
                "databases.main.max-workers = 30");
        for (Work work : Work.values()) {
            for (String due : DUE.keySet()) {
                begin(work, due);
            }
        }
    }

    private static void begin(Work work, String due) throws Exception {
        String job = work.job(due);
        database.execute(
                "CREATE TABLE \"%s\" (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, due int NOT NULL)".formatted(job),
                "INSERT INTO \"%s\" SELECT g, 0, CASE WHEN g %% 50 = 0 THEN %s ELSE 1 END FROM generate_series(1, %d) AS g"
                        .formatted(job, DUE.get(due), ROWS),
                "CREATE TRIGGER due BEFORE UPDATE OR DELETE ON \"%s\" FOR EACH ROW EXECUTE FUNCTION let_what_is_due()"
                        .formatted(job));
        daemon.register(job, """
                version: 1
                job: %1$s
                table: '"%1$s"'
                range: { by: id }
                %2$s
                verify: { remaining: n = 0 }
                parallelism: 2
                batch: { size: 200, min: 200, max: 200 }
                """.formatted(job, work.yaml.replace("{}", job)));
    }

    @AfterAll
    static void close() throws Exception {
        daemon.close();
        database.close();
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"ONCE", "PROCESSOR_ONCE"})
    void what_may_be_repeated_is_made_again_for_the_rows_left(Work work) throws Exception {
        assertEnds(work.job("second"), "SUCCEEDED 2 0", "1: 2000", "2: 40");
        assertEnds(work.job("third"), "SUCCEEDED 3 0", "1: 2000", "2: 40", "3: 30");
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"ONCE", "PROCESSOR_ONCE"})
    void rows_that_would_need_a_fourth_pass_fail_the_run_after_the_third(Work work) throws Exception {
        String reason = assertEnds(work.job("fourth"), "FAILED 3 20", "1: 2000", "2: 40", "3: 30");

        assertThat(reason).isEqualTo("20 rows still meet `remaining`, the first at 1050, 1100, 1150, 1200, 1250");
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"ONCE", "PROCESSOR_ONCE"})
    void a_pass_that_leaves_as_many_rows_as_before_is_the_last_also_for_a_retry(Work work) throws Exception {
        for (String job : new String[] {work.job("never"), work.job("never-again")}) {
            String reason = assertEnds(job, "FAILED 2 40", "1: 2000", "2: 40");

            assertThat(reason).isEqualTo("40 rows still meet `remaining`, the first at 50, 100, 150, 200, 250");
        }
        daemon.say("retry", work.job("never-again"));
        daemon.awaitState(work.job("never-again"), "FAILED");
        assertEnds(work.job("never-again"), "FAILED 2 40", "1: 2000", "2: 40");
    }

    @ParameterizedTest
    @EnumSource(names = {"ONCE", "PROCESSOR_ONCE"})
    void what_may_not_be_repeated_is_not(Work work) throws Exception {
        for (String due : new String[] {"second", "third", "fourth", "never"}) {
            assertEnds(work.job(due), "FAILED 1 40", "1: 2000");
        }
    }

    /**
     * The run ends so, in so many passes with so many rows left, each pass has tried so many rows, and none was changed
     * twice; answers the reason.
     */
    private static String assertEnds(String job, String end, String... tries) throws Exception {
        daemon.awaitRun(job, run -> run.path("state").asString("").matches("SUCCEEDED|FAILED|PAUSED"));
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, pass, rows_remaining) FROM backfill.run"
                        + " WHERE job = '" + job + "'"))
                .as(job)
                .containsExactly(end);
        String of = " FROM tries WHERE job = '" + job + "' ";
        assertThat(database.queryStrings("SELECT pass || ': ' || count(*)" + of + "GROUP BY pass ORDER BY pass"))
                .as("rows tried in each pass of %s", job)
                .containsExactly(tries);
        long left = Long.parseLong(end.substring(end.lastIndexOf(' ') + 1));
        assertThat(database.queryStrings("SELECT count(*) || ' ' || count(DISTINCT id)" + of + "AND let"))
                .as("changes, and rows changed")
                .containsExactly((ROWS - left) + " " + (ROWS - left));
        assertThat(database.queryLong("SELECT count(*) FROM \"" + job + "\" WHERE n = 0"))
                .isEqualTo(left);
        return daemon.run(job).path("reason").asString("");
    }
}
