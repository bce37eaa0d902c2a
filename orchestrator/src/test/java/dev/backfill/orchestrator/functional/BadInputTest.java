package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs that cannot be run are refused with their place and a way out, before anything is changed. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputTest {

    private static final String HEAD = "version: 1\njob: bad\n";
    private static final String UPDATE = "update: { set: { n: n + 1 }, where: n = 0 }\n";
    private static final String BY_ID = "range: { by: id }\n";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeAll
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id bigint PRIMARY KEY, at timestamptz, plain bigint, n int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT i, now(), i FROM generate_series(1, 10) AS i",
                "CREATE INDEX t_brin ON t USING brin (plain)",
                "CREATE TABLE keyless (id bigint, n int)",
                "CREATE VIEW v AS SELECT * FROM t",
                "CREATE TABLE published (id bigint NOT NULL, n int)",
                "CREATE INDEX ON published (id)",
                "CREATE PUBLICATION p FOR TABLE published");
    }

    @AfterEach
    void nothing_was_changed() throws SQLException {
        assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = 'backfill'"))
                .isZero();
        assertThat(database.queryLong("SELECT count(*) FROM t WHERE n = 0")).isEqualTo(10);
    }

    @AfterAll
    void drop() throws SQLException {
        database.close();
    }

    /** Jobs against the table {@code t} and its neighbours. */
    enum Bad {
        NO_SUCH_TABLE("table: T1\n" + BY_ID + UPDATE, "job.yaml:3:8: no table \"t1\""),
        NO_SUCH_TABLE_BUT_A_SIMILAR_ONE("table: '\"T\"'\n" + BY_ID + UPDATE, "did you mean `public.t`?"),
        NO_SUCH_COLUMN("table: t\nrange: { by: id, column: nr }\n" + UPDATE, "job.yaml:4:26: no column \"nr\""),
        NO_SUCH_COLUMN_TO_SET(
                "table: t\n" + BY_ID + "update: { set: { m: 1 }, where: n = 0 }\n",
                "job.yaml:5:18: no column \"m\" in \"public\".\"t\" (did you mean"),
        NO_SUCH_COLUMN_IN_THE_WHERE(
                "table: t\n" + BY_ID + "update: { set: { n: 1 }, where: m = 0 }\n", "column \"m\" does not exist"),
        NO_INDEX("table: t\nrange: { by: time, column: at }\n" + UPDATE, "(CREATE INDEX CONCURRENTLY ON "),
        ONLY_A_BRIN_INDEX("table: t\nrange: { by: id, column: plain }\n" + UPDATE, "a BRIN index is none"),
        SETS_ITS_RANGE_COLUMN(
                "table: t\n" + BY_ID + "update: { set: { id: id + 1 }, where: n = 0 }\n",
                "job.yaml:5:18: \"id\" is a column of the run's key"),
        NO_PRIMARY_KEY("table: keyless\n" + BY_ID + UPDATE, "no primary key and no range.column"),
        A_VIEW("table: v\n" + BY_ID + UPDATE, "job.yaml:3:8: \"public\".\"v\" is a view; name the table under it"),
        PUBLISHED_WITHOUT_IDENTITY(
                "table: published\nrange: { by: id, column: id }\n" + UPDATE,
                "published by p without a replica identity"),
        LOCK_TIMEOUT_TOO_LONG(
                "table: t\n" + BY_ID + UPDATE + "errors: { lock-timeout: 900ms }\n",
                "job.yaml:6:25: errors.lock-timeout is 900ms"),
        TWO_STATEMENTS(
                "table: t\n" + BY_ID + "sql: UPDATE t SET n = 1 WHERE :range; DELETE FROM t\n"
                        + "verify: { remaining: n = 0 }\n",
                "job.yaml:5:"),
        WITHOUT_RANGE("table: t\n" + BY_ID + "sql: UPDATE t SET n = 1\nverify: { remaining: n = 0 }\n", "job.yaml:5:"),
        FROM_AFTER_TO("table: t\nrange: { by: id, from: 9, to: 3 }\n" + UPDATE, "job.yaml:4:"),
        FROM_AFTER_TO_IN_TIME(
                "table: t\nrange: { by: time, column: at, from: '2026-02-01', to: '2026-01-01' }\n" + UPDATE,
                "job.yaml:4:"),
        WRONG_TYPE("table: t\nrange: { by: id, from: one }\n" + UPDATE, "job.yaml:4:"),
        UNKNOWN_KEY("table: t\nrnage: { by: id }\n" + BY_ID + UPDATE, "job.yaml:4:1: "),
        UNKNOWN_TIME_ZONE("table: t\n" + BY_ID + UPDATE + "session: { time-zone: Mars }\n", "job.yaml:6:"),
        CUSTOM_TAG("table: t\nrange: !!java.io.File { by: id }\n" + UPDATE, "job.yaml:4:"),
        MANY_ALIASES("labels: &a { a: b }\nx: [" + "*a, ".repeat(500) + "*a]\n", "job.yaml:"),
        TRUNCATED("table: t\nrange: { by: id, colu", "job.yaml:4:"),
        EMPTY("", "job.yaml:1:1: ");

        private final String yaml;
        private final String says;

        Bad(String yaml, String says) {
            this.yaml = yaml;
            this.says = says;
        }

        byte[] content() {
            return (this == EMPTY ? "" : HEAD + yaml).getBytes(StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_bad_job_is_refused_at_its_place(Bad bad) throws Exception {
        Path job = Files.write(directory.resolve("job.yaml"), bad.content());

        refused(job, database.jdbcUrl()).contains(bad.says);
    }

    @Test
    void bytes_that_are_no_text_are_refused() throws Exception {
        byte[] bytes = (HEAD + "table: \u00e4\n" + BY_ID + UPDATE).getBytes(StandardCharsets.ISO_8859_1);
        refused(Files.write(directory.resolve("job.yaml"), bytes), database.jdbcUrl())
                .contains("job.yaml:3:8: ", "UTF-8");
    }

    @Test
    void a_file_of_two_megabytes_is_refused() throws Exception {
        byte[] bytes = new byte[2 << 20];
        Arrays.fill(bytes, (byte) '#');
        refused(Files.write(directory.resolve("job.yaml"), bytes), database.jdbcUrl())
                .contains("job.yaml:1:1: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing.yaml", "."})
    void what_is_no_file_is_refused(String name) {
        for (String command : new String[] {"run", "validate"}) {
            CommandResult result =
                    CommandResult.of(command, directory.resolve(name).toString(), "--database", database.jdbcUrl());
            assertThat(result.exit()).as(result.text()).isEqualTo(2);
            assertThat(result.text()).doesNotContain("Exception", "\tat ").contains(directory.toString());
        }
    }

    @Test
    void a_missing_right_is_named_with_its_grant() throws Exception {
        TestRole role = database.newMonitoringRole();
        database.execute("GRANT SELECT ON t TO " + role.name());

        refused(good(), database.jdbcUrl(role.name()))
                .contains("job.yaml:3:8: ", "GRANT UPDATE ON \"public\".\"t\" TO " + role.name());
    }

    @Test
    void a_role_that_may_not_create_the_own_tables_is_told_what_to_ask_for() throws Exception {
        TestRole role = database.newMonitoringRole();
        database.execute("GRANT SELECT, UPDATE ON t TO " + role.name());

        refused(good(), database.jdbcUrl(role.name()))
                .contains("CREATE SCHEMA \"backfill\" AUTHORIZATION \"" + role.name() + "\"");
    }

    @Test
    void a_publication_of_all_tables_is_refused() throws Exception {
        database.execute("CREATE PUBLICATION everything FOR ALL TABLES");
        try {
            refused(good(), database.jdbcUrl())
                    .contains("job.yaml:1:1: publication everything publishes all tables")
                    .contains("all-tables-publication = allow");
        } finally {
            database.execute("DROP PUBLICATION everything");
        }
    }

    @Test
    void a_database_that_does_not_exist_is_refused() throws Exception {
        String url = database.jdbcUrl().replace("/" + database.name() + "?", "/nowhere?");
        refused(good(), url).contains("database \"nowhere\" does not exist", "check the database's name");
    }

    @Test
    void a_wrong_password_is_refused_and_not_shown() throws Exception {
        try (TestDatabase guarded = TestPostgres.withPasswords().newDatabase()) {
            TestRole role = guarded.newMonitoringRole();
            String url = "postgresql://%s:not-the-word@127.0.0.1:%d/%s"
                    .formatted(role.name(), guarded.server().port(), guarded.name());
            refused(good(), url)
                    .contains("password authentication failed", "PGPASSWORD", "warning: a password on the command line")
                    .doesNotContain("not-the-word");
        }
    }

    @Test
    void a_url_of_another_database_is_refused_and_its_password_not_shown() throws Exception {
        refused(good(), "mysql://me:secret@localhost/test")
                .contains("postgresql://user@host:5432/name")
                .doesNotContain("secret");
    }

    @Test
    void a_server_that_is_away_is_another_matter() throws Exception {
        String url = database.jdbcUrl().replaceFirst("127.0.0.1:\\d+", "127.0.0.1:1");
        for (String command : new String[] {"run", "validate"}) {
            CommandResult result = CommandResult.of(command, good().toString(), "--database", url);
            assertThat(result.exit()).as(result.text()).isEqualTo(4);
            assertThat(result.text())
                    .contains("127.0.0.1:1", "call again when it can be reached")
                    .doesNotContain("Exception", "\tat ");
        }
    }

    @Test
    void a_process_of_its_own_ends_with_the_same_codes() throws Exception {
        Path bad = Files.write(directory.resolve("bad.yaml"), Bad.NO_SUCH_TABLE.content());
        try (TestDatabase guarded = TestPostgres.withPasswords().newDatabase()) {
            TestRole role = guarded.newMonitoringRole();
            assertEnds(2, "bad.yaml:3:8: no table", "run", bad.toString(), "--database", database.jdbcUrl());
            assertEnds(2, "28P01", "run", good().toString(), "--database", guarded.jdbcUrl(role.name()));
            String away = database.jdbcUrl().replaceFirst("127.0.0.1:\\d+", "127.0.0.1:1");
            assertEnds(4, "127.0.0.1:1", "validate", good().toString(), "--database", away);
            assertEnds(2, "which database?", "run", good().toString());
        }
    }

    private static void assertEnds(int exit, String says, String... arguments) throws Exception {
        try (BackfillProcess process = BackfillProcess.builder(arguments)
                .environment("PGPASSWORD", "not-the-word")
                .start()) {
            assertThat(process.waitFor(Duration.ofSeconds(30)))
                    .as("%s", process)
                    .isEqualTo(exit);
            assertThat(process.output() + process.errors())
                    .contains(says)
                    .doesNotContain("Exception", "\tat ", "not-the-word");
        }
    }

    private Path good() throws Exception {
        return Files.writeString(directory.resolve("job.yaml"), HEAD + "table: t\n" + BY_ID + UPDATE);
    }

    /** Both commands refuse in the same words. */
    private static org.assertj.core.api.AbstractStringAssert<?> refused(Path job, String url) {
        CommandResult validated = CommandResult.of("validate", job.toString(), "--database", url);
        CommandResult run = CommandResult.of("run", job.toString(), "--database", url);
        assertThat(validated.exit()).as(validated.text()).isEqualTo(2);
        assertThat(run.exit()).as(run.text()).isEqualTo(2);
        assertThat(run.text()).isEqualTo(validated.text());
        return assertThat(run.text()).doesNotContain("Exception", "\tat ");
    }
}
