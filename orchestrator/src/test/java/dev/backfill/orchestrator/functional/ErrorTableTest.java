package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

/**
 * What comes of an error, by its SQLSTATE: each is raised by one row in the batches of a job of its own, all in one daemon.
 *
 * <p>Elsewhere, as they happen: connections and servers lost in {@link LostConnectionTest} and {@link DatabaseAwayTest},
 * sessions ended for their time (25P03) in {@link StandstillTest}, deadlocks in {@link OppositeLocksTest}, errors at COMMIT,
 * budgets and {@code retry} in {@link QuarantineTest}, batches that end their worker in {@link DeadlyBatchTest}.
 */
class ErrorTableTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 400;
    private static final int MANY = 4_000;
    private static final int BAD = 271;
    private static final String SECRET = "4711-0815";

    private static final List<String> SET_ASIDE = List.of(
            "22012", "22P02", "23502", "23505", "23514", "P0001", "P0002", "20000", "21000", "2F003", "38001", "39000",
            "44000", "54000", "ZZ001");
    private static final List<String> PAUSED =
            List.of("42883", "42501", "55000", "0A000", "26000", "42P05", "XX000", "0L000", "25001", "2D000");
    private static final String SPENT = "spent";
    private static final List<String> RETRIED = List.of(
            "55P03", "40P01", "40001", "25P03", "25P04", "08006", "57P01", "57P02", "57P03", "57P05", "25006", "57P04",
            "3D000", "28000", "28P01", "53000", "53100", "53200", "53300", "53400");

    private static final List<String> OUTLASTING = List.of("40P01", "40001");

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void meetEveryError(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute("""
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF TG_ARGV[1] = 'always'
                            OR nextval('times_' || coalesce(TG_ARGV[2], TG_ARGV[0])) <= TG_ARGV[1]::int THEN
                        RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'no luck today', DETAIL = 'card %s';
                    END IF;
                    RETURN NEW;
                END $$
                """.formatted(SECRET));
        for (String code : SET_ASIDE) {
            failing(code, "always");
        }
        for (String code : PAUSED) {
            failing(code, "always");
        }
        for (String code : RETRIED) {
            failing(code, code.equals("40001") ? "3" : "1");
        }
        create(SPENT, ROWS);
        trigger(SPENT, "fail('23505', 'always')");
        create("slow", ROWS);
        database.execute("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN PERFORM pg_sleep(3); RETURN NEW; END'");
        trigger("slow", "dawdle()");
        create("locked", MANY);
        daemon = Daemon.start(
                directory,
                Map.of("main", database.jdbcUrl()),
                "lease = 2s",
                "workers = 60",
                "databases.main.max-workers = 60");
        cancelOne();
        for (String code : OUTLASTING) {
            failOften(code);
        }
        Stream.concat(SET_ASIDE.stream(), PAUSED.stream())
                .forEach(code -> daemon.register(job(code), yaml(table(code), job(code), "quarantine: 1")));
        daemon.register(SPENT, yaml(SPENT, SPENT, "quarantine: 0"));
        daemon.register("slow", yaml("slow", "slow", "quarantine: 1, statement-timeout: 300ms, lock-timeout: 100ms"));
        awaitAll("PENDING", "RUNNING", "VERIFYING");
        RETRIED.forEach(code -> daemon.register(job(code), yaml(table(code), job(code), "quarantine: 0")));
        awaitAll("PENDING", "RUNNING", "VERIFYING");
    }

    /** More often than a batch is attempted; so that the others need not wait, their time is not theirs. */
    private static void failOften(String code) throws Exception {
        String job = outlasting(code);
        create(job, ROWS);
        database.execute("CREATE SEQUENCE times_" + job);
        trigger(job, "fail('%s', '8', '%s')".formatted(code, job));
        daemon.register(job, yaml(job, job, "attempts: 2, quarantine: 5"));
    }

    private static String outlasting(String code) {
        return "outlasting" + code.toLowerCase(Locale.ROOT);
    }

    /** Somebody cancels a statement; what comes of it takes its time, and the others theirs meanwhile. */
    private static void cancelOne() throws Exception {
        create("cancelled", ROWS);
        database.execute(
                "CREATE SEQUENCE times_cancelled",
                "CREATE FUNCTION wait_once() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
                        + " IF nextval(''times_cancelled'') = 1 THEN PERFORM pg_sleep(20); END IF; RETURN NEW; END'");
        trigger("cancelled", "wait_once()");
        String limits = "quarantine: 100, statement-timeout: 3s";
        daemon.register(
                "cancelled", yaml("cancelled", "cancelled", limits).replace("parallelism: 1", "parallelism: 2"));
        String cancel = "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity"
                + " WHERE datname = current_database() AND wait_event = 'PgSleep'";
        await().atMost(PATIENCE).until(() -> database.queryLong(cancel) == 1);
    }

    @AfterAll
    static void close() throws Exception {
        daemon.close();
        database.close();
    }

    @ParameterizedTest
    @FieldSource("SET_ASIDE")
    void bad_data_is_bisected_down_to_the_row_which_is_set_aside(String code) throws Exception {
        assertThat(state(job(code))).startsWith("FAILED 1 keys are in quarantine");
        assertThat(database.queryStrings(
                        "SELECT concat_ws(' ', key ->> 0, error_class, sqlstate) FROM " + quarantine(job(code))))
                .containsExactly(BAD + " DATA " + code);
        assertThat(database.queryLong("SELECT attempts FROM " + quarantine(job(code))))
                .as("attempts of the last batch, halved or alone")
                .isBetween(1L, 8L);
        assertChanged(table(code), ROWS - 1);
        assertThat(database.queryLong("SELECT count(*) FROM %s WHERE n = 0 AND id = %d".formatted(table(code), BAD)))
                .isOne();
    }

    @ParameterizedTest
    @FieldSource("PAUSED")
    void what_is_wrong_with_the_statement_pauses_the_run_at_once_and_it_goes_on_once_that_is_mended(String code)
            throws Exception {
        assertThat(state(job(code))).startsWith("PAUSED at slice").contains("no luck today (SQLSTATE " + code + ")");
        assertThat(state(job(code)).contains("a pooler"))
                .isEqualTo(List.of("26000", "42P05").contains(code));
        assertThat(database.queryLong("SELECT count(*) FROM " + quarantine(job(code))))
                .isZero();
        assertThat(failure(job(code)).path("key").isNull())
                .as("no key alone is to blame")
                .isTrue();
        assertThat(failure(job(code)).path("detail").asString()).isEqualTo("card " + SECRET);

        mendAndResume(table(code), job(code));
    }

    @ParameterizedTest
    @FieldSource("RETRIED")
    void what_passes_is_tried_again_until_it_has(String code) throws Exception {
        assertThat(state(job(code))).isEqualTo("SUCCEEDED");
        assertThat(database.queryLong("SELECT last_value FROM times_" + code.toLowerCase(Locale.ROOT)))
                .as("how often the row was tried")
                .isEqualTo(code.equals("40001") ? 4 : 2);
        assertChanged(table(code), ROWS);
    }

    @ParameterizedTest
    @CsvSource({
        "57P04, database-down",
        "3D000, database-down",
        "28000, database-down",
        "28P01, database-down",
        "53000, no-connection",
        "53100, disk-full",
        "53200, no-connection",
        "53300, no-connection",
        "53400, no-connection"
    })
    void what_passes_slowly_holds_the_run_and_says_why(String code, String reason) throws Exception {
        String hold = "backfill_hold_seconds_total{backfill=\"%s\",database=\"main\",reason=\"%s\"} ";
        String line = hold.formatted(job(code), reason);
        assertThat(daemon.metrics().lines().filter(l -> l.startsWith(line)))
                .singleElement()
                .satisfies(l -> assertThat(Double.parseDouble(l.substring(line.length())))
                        .isBetween(1.5, 8.0));
    }

    @ParameterizedTest
    @FieldSource("OUTLASTING")
    void what_stands_in_others_way_for_longer_than_the_attempts_last_holds_its_slice_and_is_never_set_aside(String code)
            throws Exception {
        String job = outlasting(code);
        daemon.awaitState(job, "SUCCEEDED");

        assertThat(database.queryLong("SELECT last_value FROM times_" + job))
                .as("how often the row was tried")
                .isEqualTo(9);
        assertChanged(job, ROWS);
        assertThat(database.queryLong("SELECT count(*) FROM " + quarantine(job)))
                .isZero();
        assertThat(database.queryLong(
                        "SELECT extract(epoch FROM finished - started)::int FROM backfill.run WHERE job = '" + job
                                + "'"))
                .as("seconds, of which the slice rests 5 after every second attempt")
                .isGreaterThanOrEqualTo(20L);
        assertThat(daemon.metrics())
                .containsPattern("backfill_hold_seconds_total\\{backfill=\"" + job
                        + "\",database=\"main\",reason=\"locked-rows\"} [1-9]");
    }

    @Test
    void a_row_that_takes_too_long_alone_pauses_the_run() throws Exception {
        assertThat(state("slow"))
                .startsWith("PAUSED at key " + BAD)
                .contains("canceling statement due to statement timeout");
        assertThat(database.queryLong("SELECT count(*) FROM " + quarantine("slow")))
                .isZero();

        mendAndResume("slow", "slow");
    }

    @Test
    void a_statement_that_somebody_cancels_is_tried_again_half_a_minute_later_and_nothing_is_set_aside()
            throws Exception {
        daemon.awaitState("cancelled", "SUCCEEDED");

        assertThat(database.queryLong("SELECT extract(epoch FROM finished - started)::int FROM backfill.run"
                        + " WHERE job = 'cancelled'"))
                .isBetween(30L, 45L);
        assertThat(database.queryLong("SELECT last_value FROM times_cancelled")).isEqualTo(2);
        assertThat(database.queryLong("SELECT count(*) FROM " + quarantine("cancelled")))
                .isZero();
        assertChanged("cancelled", ROWS);
        assertThat(database.queryStrings("SELECT DISTINCT fence || ' ' || attempts FROM backfill.slice"
                        + " WHERE run = (SELECT id FROM backfill.run WHERE job = 'cancelled')"))
                .as("nobody else took the slice while its worker waited")
                .containsExactly("1 0");
        assertThat(daemon.process().errors()).contains("somebody cancelled a batch");
    }

    @Test
    void rows_that_stay_locked_hold_their_slice_and_nothing_else_and_are_never_set_aside() throws Exception {
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            other.createStatement().execute("SELECT FROM locked WHERE id = " + BAD + " FOR UPDATE");
            String yaml = yaml("locked", "locked", "attempts: 2, lock-timeout: 50ms, quarantine: 100");
            daemon.register("locked", yaml.replace("parallelism: 1", "parallelism: 2"));

            daemon.awaitRun(
                    "locked",
                    run -> run.path("hold").path("reason").asString("").equals("locked-rows")
                            && run.path("hold").path("detail").asString("").contains("stay locked by others"));
            await().atMost(PATIENCE)
                    .until(() -> database.queryLong("SELECT count(*) FROM locked WHERE n = 0 AND id > 2000") == 0);
            other.rollback();
        }
        daemon.awaitState("locked", "SUCCEEDED");
        assertChanged("locked", MANY);
        assertThat(database.queryLong("SELECT count(*) FROM " + quarantine("locked")))
                .isZero();
    }

    @Test
    void without_a_budget_the_key_is_shown_with_all_that_the_server_said_until_the_run_is_resumed() throws Exception {
        assertThat(state(SPENT)).isEqualTo("PAUSED at key 271: no luck today (SQLSTATE 23505); mend that, then resume");
        JsonNode failure = failure(SPENT);
        assertThat(failure.at("/key/0").asString()).isEqualTo("" + BAD);
        assertThat(failure.path("sqlstate").asString()).isEqualTo("23505");
        assertThat(failure.path("error").asString()).isEqualTo("no luck today (SQLSTATE 23505)");
        assertThat(failure.path("detail").asString()).isEqualTo("card " + SECRET);

        mendAndResume(SPENT, SPENT);

        assertThat(failure(SPENT).isNull()).as("%s", failure(SPENT)).isTrue();
    }

    private static JsonNode failure(String job) {
        String run = daemon.run(job).path("id").asString();
        return daemon.get("/api/v1/runs/" + run).body().path("failure");
    }

    /** The last of all, when everything has been said. */
    @Test
    void what_the_server_says_of_a_row_is_shown_to_people_and_never_logged() throws Exception {
        String run = daemon.run(job("23505")).path("id").asString();

        assertThat(daemon.get("/api/v1/runs/" + run + "/quarantine").body().toString())
                .contains(SECRET);
        assertThat(daemon.process().errors()).contains("no luck today").doesNotContain(SECRET);
        assertThat(daemon.process().output()).doesNotContain(SECRET);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.event e WHERE e::text LIKE '%no luck today%'"))
                .isPositive();
        assertThat(database.queryLong("SELECT count(*) FROM backfill.event e WHERE e::text LIKE '%" + SECRET + "%'"))
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM backfill.run r WHERE r::text LIKE '%" + SECRET + "%'"))
                .isZero();
    }

    private static void mendAndResume(String table, String job) throws Exception {
        database.execute("DROP TRIGGER fail ON " + table);
        daemon.say("resume", job);
        daemon.awaitState(job, "SUCCEEDED");
        assertChanged(table, ROWS);
    }

    private static void awaitAll(String... under) throws Exception {
        String left = "SELECT count(*) FROM backfill.run WHERE state IN ('" + String.join("', '", under) + "')"
                + " AND job <> 'cancelled' AND job NOT LIKE 'outlasting%'";
        try {
            await().atMost(PATIENCE).until(() -> database.queryLong(left) == 0);
        } catch (ConditionTimeoutException e) {
            String runs = "SELECT concat_ws(' ', job, state, reason, hold) FROM backfill.run";
            throw new AssertionError(database.queryStrings(runs) + " " + daemon.process(), e);
        }
    }

    private static void assertChanged(String table, int rows) throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM " + table + " WHERE n > 0 GROUP BY n"))
                .containsExactly("1 x " + rows);
    }

    private static String state(String job) throws Exception {
        return database.queryStrings("SELECT concat_ws(' ', state, reason) FROM backfill.run WHERE job = '" + job + "'")
                .get(0);
    }

    private static String quarantine(String job) {
        return "(SELECT q.* FROM backfill.quarantine q JOIN backfill.run r ON r.id = q.run AND r.job = '" + job
                + "') AS q";
    }

    private static String table(String code) {
        return "t" + code.toLowerCase(Locale.ROOT);
    }

    private static String job(String code) {
        return "e-" + code.toLowerCase(Locale.ROOT);
    }

    private static void failing(String code, String times) throws Exception {
        create(table(code), ROWS);
        database.execute("CREATE SEQUENCE times_" + code);
        trigger(table(code), "fail('" + code + "', '" + times + "')");
    }

    private static void create(String table, int rows) throws Exception {
        database.execute(
                "CREATE TABLE " + table + " (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO " + table + " SELECT g FROM generate_series(1, " + rows + ") AS g");
    }

    private static void trigger(String table, String function) throws Exception {
        database.execute("CREATE TRIGGER fail BEFORE UPDATE ON " + table + " FOR EACH ROW WHEN (OLD.id = " + BAD
                + ") EXECUTE FUNCTION " + function);
    }

    private static String yaml(String table, String job, String errors) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                sql: UPDATE %s SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                parallelism: 1
                batch: { size: 100, min: 100, max: 100 }
                errors: { %s }
                """.formatted(job, table, table, errors);
    }
}
