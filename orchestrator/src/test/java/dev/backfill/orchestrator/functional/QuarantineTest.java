package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.Seed;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Rows whose data cannot be processed are set aside, exactly those; all others are changed exactly once. */
class QuarantineTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 200_000;
    private static final int FAULTY = 150;

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @CsvSource({"bigint, i", "uuid, md5(i::text)::uuid", "text, 'k' || md5(i::text)"})
    void exactly_the_faulty_rows_are_set_aside_and_retry_works_exactly_those(String type, String key) throws Exception {
        BadRows rows = BadRows.create(database, ROWS, FAULTY, type, key, Seed.random("faulty rows"));
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: m
                range: { by: id }
                sql: %s
                verify: { remaining: n = 0 }
                batch: { min: 100, max: 2000 }
                parallelism: 3
                errors: { quarantine: 200 }
                """.formatted(BadRows.CHANGE));

        CommandResult first = run(job);

        assertThat(first.exit()).as(first.text()).isEqualTo(1);
        assertThat(first.text())
                .contains(FAULTY + " keys are in quarantine; " + FAULTY + " rows still meet `remaining`")
                .contains("is set aside: ", "more keys are set aside");
        rows.assertSetAside();
        assertThat(database.queryStrings("SELECT DISTINCT attempts > 1 FROM backfill.quarantine"))
                .containsExactly("t");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.run WHERE pass = 1"))
                .isOne();

        rows.mend();
        CommandResult second = run(job);

        assertThat(second.exit()).as(second.text()).isZero();
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM m GROUP BY n"))
                .containsExactly("1 x " + ROWS);
        assertThat(database.queryStrings("SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                .containsExactly(ROWS + " " + ROWS);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"CHECK (n < 1 OR id NOT IN (700, 701, 1400))", "deferred"})
    void over_the_budget_it_pauses_and_a_resume_gives_a_fresh_one(String rule) throws Exception {
        table(3_000);
        if (rule.equals("deferred")) {
            database.execute(
                    "CREATE TABLE r (id int PRIMARY KEY)",
                    "INSERT INTO r SELECT i FROM generate_series(1, 3000) AS i WHERE i NOT IN (700, 701, 1400)",
                    "ALTER TABLE c ADD r int REFERENCES r DEFERRABLE INITIALLY DEFERRED");
        } else {
            database.execute("ALTER TABLE c ADD " + rule, "ALTER TABLE c ADD r int");
        }
        Path job = job("UPDATE c SET n = n + 1, r = id WHERE :range", "errors: { quarantine: 2 }");

        CommandResult first = run(job);

        assertThat(first.exit()).as(first.text()).isEqualTo(3);
        assertThat(first.text())
                .containsPattern(
                        "at key \\[?1400]?: .*\\(SQLSTATE 23\\d+\\); errors.quarantine is used up, which is 2");
        assertThat(aside()).containsExactly("[\"700\"]", "[\"701\"]");
        assertThat(database.queryStrings("SELECT concat_ws(' ', key, detail) FROM backfill.failure"))
                .singleElement()
                .asString()
                .matches("\\[\"1400\"] (Failing row contains|Key \\(r\\)=).*1400.*");
        CommandResult second = run(job);
        assertThat(second.exit()).as(second.text()).isEqualTo(1);
        assertThat(aside()).containsExactly("[\"700\"]", "[\"701\"]", "[\"1400\"]");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.failure"))
                .as("what the run was paused for, after it was resumed")
                .isZero();
        assertThat(counts()).containsExactly("0 1 x 3", "1 1 x 2997");
    }

    /** Bisected on every kind of key, and tried again in a slice of its own that takes nothing else. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "numeric NOT NULL | round(1, i % 3) | { by: id, column: k }",
                "text COLLATE any_case | substr('zZ', i % 2 + 1, 1) | { by: id, column: k, order: desc }",
                "timestamptz | CASE WHEN i % 2 = 0 THEN '2026-01-01'::timestamptz + i / 900 * interval '1 d' END"
                        + " | { by: time, column: k }",
                "float8 NOT NULL | i / 7.0 | { by: id, column: [k, id] }"
            })
    void the_faulty_row_is_found_and_retried_alone_on_any_key(String type, String key, String range) throws Exception {
        database.execute(
                "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                "CREATE TABLE c (id int PRIMARY KEY, k " + type
                        + ", n int NOT NULL DEFAULT 0, CONSTRAINT good CHECK (n < 1 OR id NOT IN (1500, 1501)))",
                "INSERT INTO c SELECT i, " + key + " FROM generate_series(1, 3000) AS i",
                range.contains("[") ? "CREATE INDEX ON c (k, id)" : "CREATE INDEX ON c (k)");
        String changes = "SELECT n || ' x ' || count(*) FROM c GROUP BY n ORDER BY n";
        Path job = CountedTable.job(
                directory, range, "batch: { size: 100, min: 100, max: 100 }", "errors: { quarantine: 2 }");

        CommandResult first = run(job);

        assertThat(first.exit()).as(first.text()).isEqualTo(1);
        assertThat(database.queryStrings(changes)).containsExactly("0 x 2", "1 x 2998");
        database.execute("ALTER TABLE c DROP CONSTRAINT good");
        CommandResult second = run(job);
        assertThat(second.exit()).as(second.text()).isZero();
        assertThat(database.queryStrings(changes)).containsExactly("1 x 3000");
        assertThat(database.queryStrings("SELECT sum(rows_scanned) || ' ' || sum(rows_changed) FROM backfill.slice"))
                .containsExactly("3000 3000");
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_row_that_cannot_even_be_set_aside_pauses_the_run() throws Exception {
        table(500);
        database.execute("ALTER TABLE c ADD CHECK (n < 1 OR id <> 250)");
        database.execute(SchemaMigrator.script("backfill"));
        database.execute("ALTER TABLE backfill.quarantine ADD CHECK (message IS NULL)");

        CommandResult result = run(job("UPDATE c SET n = n + 1 WHERE :range", "errors: { quarantine: 5 }"));

        assertThat(result.exit()).as(result.text()).isEqualTo(3);
        assertThat(result.text()).contains("at key 250: the key cannot be set aside: ");
    }

    @Test
    void without_a_budget_the_first_faulty_row_pauses_the_run() throws Exception {
        table(3_000);
        database.execute("ALTER TABLE c ADD CHECK (n < 1 OR id <> 700)");

        CommandResult result = run(job("UPDATE c SET n = n + 1 WHERE :range"));

        assertThat(result.exit()).as(result.text()).isEqualTo(3);
        assertThat(result.text()).contains("at key").doesNotContain("quarantine is used up");
        assertThat(aside()).isEmpty();
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isEqualTo(699);
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_further_pass_makes_up_its_own_mind_about_them() throws Exception {
        table(3_000);
        database.execute("ALTER TABLE c ADD CHECK (n < 1 OR id NOT IN (5, 2990))");
        database.execute(
                "CREATE TABLE gate (id int)",
                "CREATE FUNCTION open_gate() RETURNS trigger LANGUAGE plpgsql"
                        + " AS 'BEGIN INSERT INTO gate VALUES (1); RETURN NULL; END'",
                "CREATE TRIGGER open AFTER UPDATE ON c FOR EACH ROW WHEN (NEW.id = 1500) EXECUTE FUNCTION open_gate()");
        String late = "n = 0 AND (id > 1000 OR EXISTS (SELECT FROM gate))";
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id }
                update: { set: { n: n + 1 }, where: "%s" }
                verify: { remaining: n = 0 }
                batch: { size: 100, min: 100, max: 100 }
                errors: { quarantine: 2 }
                """.formatted(late));

        CommandResult result = run(job);

        assertThat(result.exit()).as(result.text()).isEqualTo(1);
        assertThat(database.queryLong("SELECT pass FROM backfill.run")).isEqualTo(2);
        assertThat(aside()).containsExactly("[\"5\"]", "[\"2990\"]");
        assertThat(counts()).containsExactly("0 1 x 2", "1 1 x 2998");
    }

    @Test
    void killed_again_and_again_it_sets_each_aside_once() throws Exception {
        table(20_000);
        database.execute("UPDATE c SET d = 0 WHERE id % 500 = 7");
        Path job = job(
                "UPDATE c SET n = n + 1 / d WHERE :range AND (SELECT pg_sleep(0.005)) IS NOT NULL",
                "parallelism: 2",
                "errors: { quarantine: 40 }");
        int kills = 0;
        for (int seen = 0; seen < 40; kills++) {
            try (BackfillProcess process =
                    BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
                int before = seen;
                await().dontCatchUncaughtExceptions()
                        .atMost(PATIENCE)
                        .until(() -> asideNow() > before + 7 || !process.isAlive());
                if (!process.isAlive()) {
                    break;
                }
                process.kill9();
                process.waitFor(Duration.ofSeconds(5));
                seen = asideNow();
            }
        }
        assertThat(kills).isGreaterThan(2);

        assertThat(run(job).exit()).isOne();

        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isEqualTo(40);
        assertThat(counts()).containsExactly("0 0 x 40", "1 1 x 19960");
    }

    @Test
    void the_daemon_shows_them_with_all_that_the_server_said_and_logs_none_of_the_rows() throws Exception {
        table(3_000);
        database.execute("ALTER TABLE c ADD secret text NOT NULL DEFAULT 'hush-hush'");
        database.execute("ALTER TABLE c ADD CONSTRAINT small CHECK (n < 1 OR id NOT IN (700, 1400))");
        String yaml = """
                version: 1
                job: count
                table: c
                range: { by: id }
                sql: UPDATE c SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                errors: { quarantine: 5 }
                """;
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("count", yaml);
            daemon.awaitState("count", "FAILED");

            JsonNode run = daemon.run("count");
            assertThat(run.at("/rows/quarantined").asInt()).isEqualTo(2);
            assertThat(run.path("reason").asString()).startsWith("2 keys are in quarantine; 2 rows still meet");
            String path = "/api/v1/runs/" + run.path("id").asString() + "/quarantine";
            JsonNode first = daemon.get(path + "?limit=1").body();
            assertThat(first.at("/quarantine/0/key/0").asString()).isEqualTo("700");
            assertThat(first.at("/quarantine/0/sqlstate").asString()).isEqualTo("23514");
            assertThat(first.at("/quarantine/0/detail").asString()).contains("hush-hush");
            JsonNode second = daemon.get(
                            path + "?limit=1&after=" + first.path("next").asString())
                    .body();
            assertThat(second.at("/quarantine/0/key/0").asString()).isEqualTo("1400");
            assertThat(second.path("next").isNull()).isTrue();
            assertThat(daemon.process().errors()).contains("key is set aside").doesNotContain("hush-hush");
            String labels = "{backfill=\"count\",database=\"main\"} 2";
            await().dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(daemon.metrics())
                            .contains("backfill_rows_quarantined_total" + labels, "backfill_quarantine_rows" + labels));

            database.execute("ALTER TABLE c DROP CONSTRAINT small");
            daemon.say("retry", "count");
            daemon.awaitState("count", "SUCCEEDED");
            assertThat(daemon.run("count").at("/rows/quarantined").asInt()).isZero();
            assertThat(counts()).containsExactly("1 1 x 3000");
        }
    }

    private void table(int rows) throws Exception {
        database.execute(
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, d int NOT NULL DEFAULT 1)",
                "INSERT INTO c SELECT i FROM generate_series(1, %d) AS i".formatted(rows),
                "VACUUM ANALYZE c");
    }

    private Path job(String sql, String... more) throws Exception {
        return CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id }
                sql: "%s"
                verify: { remaining: n = 0 }
                batch: { min: 100, max: 2000 }
                %s
                """.formatted(sql, String.join("\n", more)));
    }

    private CommandResult run(Path job) {
        return CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());
    }

    private List<String> counts() throws Exception {
        return database.queryStrings(
                "SELECT concat_ws(' ', n, d) || ' x ' || count(*) FROM c GROUP BY n, d ORDER BY n");
    }

    private List<String> aside() throws Exception {
        return database.queryStrings("SELECT key::text FROM backfill.quarantine ORDER BY (key->>0)::int");
    }

    private int asideNow() throws Exception {
        return database.queryLong("SELECT count(to_regclass('backfill.quarantine'))") == 0
                ? 0
                : (int) database.queryLong("SELECT count(*) FROM backfill.quarantine");
    }
}
