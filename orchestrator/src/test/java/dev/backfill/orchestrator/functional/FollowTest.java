package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that come in during a run, at the end of its range. */
class FollowTest {

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0)");
        database.execute(
                "INSERT INTO c (at) SELECT CASE WHEN g % 10 > 0 THEN clock_timestamp() END FROM generate_series(1, 4000) AS g");
        database.execute("CREATE INDEX ON c (at)");
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{ by: id, follow: true }", "{ by: time, column: at, follow: true }"})
    void they_are_worked_too_and_the_run_ends_while_they_go_on_coming_in(String range) throws Exception {
        CommandResult result;
        AtomicBoolean enough = new AtomicBoolean();
        Thread application = inserting(enough);
        try {
            result = run(range);
        } finally {
            enough.set(true);
            application.join();
        }

        assertThat(result.exit()).as(result.text()).isZero();
        long changed = database.queryLong("SELECT count(*) FROM c WHERE n > 0");
        assertThat(changed).as("rows changed, of 4000 there were at the start").isGreaterThan(4300);
        assertThat(database.queryLong("SELECT sum(n) FROM c"))
                .as("changed once")
                .isEqualTo(changed);
        assertThat(database.queryLong("SELECT sum(rows_changed) FROM backfill.slice"))
                .isEqualTo(changed);
        String column = range.contains("at") ? "at" : "id";
        assertThat(database.queryLong(
                        "SELECT count(*) FROM c WHERE n = 0 AND %1$s <= (SELECT max(%1$s) FROM c WHERE n > 0)"
                                .formatted(column)))
                .as("rows left among those that were worked")
                .isZero();
    }

    /** Each row that is changed brings more than one, and each round takes its time: the run cannot catch up. */
    @Test
    @Tag("storm")
    void a_table_that_outgrows_the_run_ends_it_and_the_rows_beyond_are_reported() throws Exception {
        database.execute(
                "TRUNCATE c RESTART IDENTITY",
                "INSERT INTO c (at) SELECT now() FROM generate_series(1, 100)",
                "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO c (at) SELECT now() FROM generate_series(0, (OLD.id % 10 = 0)::int); RETURN NULL; END'",
                "CREATE TRIGGER more AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION more()");
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id, follow: true }
                sql: "UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(CASE WHEN :to > 100 THEN 0.55 ELSE 0 END)) IS NOT NULL"
                verify: { remaining: n = 0 }
                batch: { size: 10, min: 10, max: 10 }
                """);

        CommandResult result = CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());

        assertThat(result.exit()).as(result.text()).isZero();
        long beyond = database.queryLong("SELECT count(*) FROM c WHERE n = 0");
        assertThat(beyond).as("rows of the last round's making").isBetween(100L, 200L);
        assertThat(database.queryStrings("SELECT state || ': ' || reason FROM backfill.run"))
                .containsExactly("SUCCEEDED: " + beyond + " rows beyond the end of the range, which came in since the"
                        + " start, meet `remaining` and are not counted");
        assertThat(database.queryLong(
                        "SELECT count(*) FROM c WHERE n = 0 AND id < (SELECT max(id) FROM c WHERE n > 0)"))
                .isZero();
        assertThat(database.queryStrings("SELECT DISTINCT n FROM c WHERE n > 0"))
                .containsExactly("1");
        assertThat(database.queryStrings("SELECT follow->>'rounds' FROM backfill.run"))
                .as("the first, and three that were no shorter")
                .containsExactly("4");
    }

    @Test
    void without_it_they_are_reported_and_not_worked() throws Exception {
        database.execute("CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN INSERT INTO c (at) VALUES (now()), (NULL); RETURN NULL; END'");
        database.execute("CREATE TRIGGER more AFTER UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION more()");

        CommandResult result = run("{ by: id }");

        assertThat(result.exit()).as(result.text()).isZero();
        long beyond = database.queryLong("SELECT count(*) FROM c WHERE id > 4000");
        assertThat(beyond).isGreaterThan(20);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE id > 4000 AND n > 0"))
                .isZero();
        assertThat(database.queryStrings("SELECT state || ': ' || reason FROM backfill.run"))
                .containsExactly("SUCCEEDED: " + beyond + " rows beyond the end of the range, which came in since the"
                        + " start, meet `remaining` and are not counted");
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof"))
                .containsExactly("0");
    }

    @Test
    void on_the_way_down_those_on_both_sides_are_reported_and_not_worked() throws Exception {
        database.execute(
                "CREATE SEQUENCE down INCREMENT BY -1",
                "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO c (id) OVERRIDING SYSTEM VALUE VALUES (nextval(''down'')), (5000 - currval(''down'')); RETURN NULL; END'",
                "CREATE TRIGGER more AFTER UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION more()");

        CommandResult result = run("{ by: id, order: desc }");

        assertThat(result.exit()).as(result.text()).isZero();
        long outside = database.queryLong("SELECT count(*) FROM c WHERE id NOT BETWEEN 1 AND 4000 AND n = 0");
        assertThat(outside).isGreaterThan(20);
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE id NOT BETWEEN 1 AND 4000 AND n > 0"))
                .isZero();
        assertThat(result.text()).contains(outside + " rows beyond the end of the range");
        assertThat(database.queryStrings("SELECT remaining FROM backfill.proof"))
                .containsExactly("0");
    }

    /** Z and z are one value: the range ends inside of its group, and what follows begins there. */
    @Test
    void those_of_a_value_that_is_written_in_two_ways_are_not_worked_twice() throws Exception {
        database.execute(
                "DROP TABLE c",
                "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE TABLE c (id int PRIMARY KEY, k text COLLATE any_case, n int NOT NULL DEFAULT 0)",
                "INSERT INTO c SELECT g, (ARRAY['a', 'A', 'z', 'Z', NULL])[1 + g % 5] FROM generate_series(1, 6000) AS g",
                "CREATE INDEX ON c (k)",
                "VACUUM ANALYZE c",
                "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO c VALUES (OLD.id + 10000, translate(OLD.k, ''aA'', ''Zz'')); RETURN NULL; END'",
                "CREATE TRIGGER more AFTER UPDATE ON c FOR EACH ROW WHEN (OLD.id < 6000 AND OLD.id % 10 < 4)"
                        + " EXECUTE FUNCTION more()");

        CommandResult result = run("{ by: id, column: k, follow: true }");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 x 8399");
    }

    /** An end that the job names is no smaller promise: what comes in below it is told of, too. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ by: id, to: 4011 } | id BETWEEN 4001 AND 4010",
                "{ by: id, from: 1, to: 1000000, order: desc } | id > 4000",
                "{ by: time, column: at, to: \"now() + interval '1 hour'\" } | id > 4000",
                "{ by: time, column: at, to: now() } | false"
            })
    void those_below_the_end_that_the_job_names_are_reported(String range, String reported) throws Exception {
        database.execute(
                "DELETE FROM c WHERE at IS NULL",
                "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO c (at) VALUES (clock_timestamp()); RETURN NULL; END'",
                "CREATE TRIGGER more AFTER UPDATE ON c FOR EACH STATEMENT EXECUTE FUNCTION more()");

        CommandResult result = run(range);

        assertThat(result.exit()).as(result.text()).isZero();
        long rows = database.queryLong("SELECT count(*) FROM c WHERE n = 0 AND " + reported);
        assertThat(database.queryStrings("SELECT split_part(coalesce(reason, ''), ',', 1) FROM backfill.run"))
                .containsExactly(rows == 0 ? "" : rows + " rows beyond the end of the range");
        assertThat(rows > 0).isEqualTo(!reported.equals("false"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{ by: id }", "{ by: id, order: desc }", "{ by: time, column: at }"})
    void also_those_of_a_table_that_was_empty(String range) throws Exception {
        database.execute("TRUNCATE c");
        arriveAtTheStart(range);

        CommandResult result = run(range, "--again");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(result.text()).contains("50 rows beyond the end of the range");
    }

    @Test
    void a_table_that_was_empty_at_the_start_is_followed_from_its_first_row() throws Exception {
        database.execute("TRUNCATE c");
        arriveAtTheStart("{ by: id }");

        CommandResult result = run("{ by: id, follow: true }", "--again");

        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isEqualTo(50);
    }

    /** Fifty rows come in while a run begins; there has been one before, that made the own tables. */
    private void arriveAtTheStart(String range) throws Exception {
        CommandResult before = run(range);
        assertThat(before.exit()).as(before.text()).isZero();
        database.execute("CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN INSERT INTO c (at) SELECT CASE WHEN g > 10 THEN now() END FROM generate_series(1, 50) AS g;"
                + " RETURN NEW; END'");
        database.execute("CREATE TRIGGER more AFTER UPDATE ON backfill.run FOR EACH ROW"
                + " WHEN (OLD.state = 'PENDING' AND NEW.state = 'RUNNING') EXECUTE FUNCTION more()");
    }

    private CommandResult run(String range, String... more) throws Exception {
        String file = job(range).toString();
        return more.length == 0
                ? CommandResult.of("run", file, "--database", database.jdbcUrl())
                : CommandResult.of("run", file, "--database", database.jdbcUrl(), more[0]);
    }

    private Path job(String range) throws Exception {
        return CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: %s
                sql: "UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(0.05)) IS NOT NULL"
                verify: { remaining: n = 0 }
                parallelism: 2
                batch: { size: 100, min: 100, max: 100 }
                """.formatted(range));
    }

    /** An application that inserts some hundred rows a second; every tenth without a time. */
    private Thread inserting(AtomicBoolean enough) {
        Thread thread = new Thread(() -> {
            try (Connection connection = database.connect();
                    PreparedStatement insert = connection.prepareStatement(
                            "INSERT INTO c (at) SELECT CASE WHEN g < 10 THEN clock_timestamp() END FROM generate_series(1, 10) AS g")) {
                while (!enough.get()) {
                    insert.executeUpdate();
                    Thread.sleep(20);
                }
            } catch (java.sql.SQLException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        thread.start();
        return thread;
    }
}
