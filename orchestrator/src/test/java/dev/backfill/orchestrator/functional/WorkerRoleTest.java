package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** The role that deploy/roles.sql creates changes the rows of its tables, and nothing else. */
class WorkerRoleTest {

    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final int ROWS = 2_000;

    /** What reads or changes what is not its own, or its own tables in another way than it was granted. */
    private static final List<String> BEYOND_ITS_ROWS = List.of(
            "SELECT * FROM app.other",
            "UPDATE app.other SET n = 1",
            "SELECT * FROM secret.t",
            "SELECT * FROM app.v",
            "SELECT nextval('app.numbers')",
            "INSERT INTO app.c VALUES (0, 0)",
            "DELETE FROM app.c",
            "TRUNCATE app.c",
            "COPY app.other TO STDOUT");

    private static final List<String> DDL = List.of(
            "ALTER TABLE app.c ADD COLUMN m int",
            "ALTER TABLE app.c DISABLE TRIGGER ALL",
            "DROP TABLE app.c",
            "CREATE INDEX ON app.c (n)",
            "CREATE TABLE app.mine (n int)",
            "CREATE TABLE secret.mine (n int)",
            "CREATE SCHEMA mine",
            "DROP SCHEMA app CASCADE",
            "CREATE TRIGGER t BEFORE UPDATE ON app.c FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE FUNCTION backfill.f() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
            "CREATE DATABASE mine",
            "CREATE ROLE mine");

    private static final List<String> OF_SUPERUSERS = List.of(
            "SELECT pg_read_file('postgresql.conf')",
            "SELECT pg_ls_dir('.')",
            "SELECT lo_import('/etc/hostname')",
            "SELECT pg_reload_conf()",
            "SELECT pg_switch_wal()",
            "SELECT pg_create_physical_replication_slot('mine')",
            "SELECT pg_terminate_backend(%d)",
            "SELECT * FROM pg_authid",
            "COPY app.c TO PROGRAM 'true'",
            "COPY app.c TO '/tmp/rows-of-c'",
            "ALTER SYSTEM SET work_mem = '1GB'",
            "SET session_replication_role = replica",
            "SET ROLE " + TestPostgres.SUPERUSER,
            "SET SESSION AUTHORIZATION " + TestPostgres.SUPERUSER);

    @TempDir
    private Path directory;

    private interface Check {
        void run(TestDatabase database, TestRole role) throws Exception;
    }

    /** With a role that the script has created itself. */
    private static void with(int version, Check check, String... variables) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            database.execute(
                    "CREATE SCHEMA app",
                    "CREATE TABLE app.c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                    "INSERT INTO app.c SELECT generate_series(1, %d)".formatted(ROWS),
                    "ANALYZE app.c",
                    "CREATE TABLE app.other (n int)",
                    "CREATE VIEW app.v AS TABLE app.other",
                    "CREATE SEQUENCE app.numbers",
                    "CREATE SCHEMA secret",
                    "CREATE TABLE secret.t (n int)");
            TestRole role = new TestRole("worker_of_" + database.name(), "");
            String[] all = List.of("role=" + role.name(), "table=app.c").toArray(new String[2 + variables.length]);
            System.arraycopy(variables, 0, all, 2, variables.length);
            DeployScript.run(database, "roles.sql", all);
            try {
                check.run(database, role);
            } finally {
                database.execute("DROP OWNED BY " + role.name(), "DROP ROLE " + role.name());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void it_changes_rows_of_its_table_and_reaches_nothing_else(int version) throws Exception {
        with(version, (database, role) -> {
            try (Connection superuser = database.connect();
                    Connection session = database.connect(role);
                    Statement statement = session.createStatement()) {
                statement.execute("UPDATE app.c SET n = n WHERE id = 1");
                statement.execute("CREATE TABLE backfill.mine (n int)");
                assertRefused(statement, BEYOND_ITS_ROWS);
                assertRefused(statement, DDL);
                long pid = superuser.unwrap(PGConnection.class).getBackendPID();
                assertRefused(
                        statement,
                        OF_SUPERUSERS.stream().map(sql -> sql.formatted(pid)).toList());
                assertRefused(statement, List.of("ALTER ROLE " + role.name() + " SUPERUSER"));
                assertRefused(statement, List.of("GRANT SELECT ON app.other TO " + role.name()));
                assertThat(superuser.isValid(5)).isTrue();
            }
            assertThat(database.queryStrings(
                            "SELECT concat_ws(' ', rolsuper, rolcreatedb, rolcreaterole, rolreplication,"
                                    + " rolbypassrls, rolcanlogin) FROM pg_roles WHERE rolname = '" + role.name()
                                    + "'"))
                    .containsExactly("f f f f f t");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void without_the_monitor_s_right_it_does_not_see_the_server_either(int version) throws Exception {
        with(
                version,
                (database, role) -> {
                    try (Connection session = database.connect(role);
                            Statement statement = session.createStatement()) {
                        assertRefused(
                                statement,
                                List.of(
                                        "SELECT count(*) FROM pg_ls_archive_statusdir()",
                                        "SELECT * FROM pg_ls_waldir()"));
                        assertThat(database.queryStrings(
                                        "SELECT pg_has_role('" + role.name() + "', 'pg_monitor', 'USAGE')"))
                                .containsExactly("f");
                    }
                },
                "monitor=off");
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_run_as_it_finishes(int version) throws Exception {
        with(version, (database, role) -> {
            run(database, role, "sql: UPDATE app.c SET n = n + 1 WHERE :range", "verify: { remaining: n = 0 }");
            assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM app.c GROUP BY n"))
                    .containsExactly("1 x " + ROWS);
            assertThat(database.queryStrings("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'backfill'"))
                    .containsExactly(role.name());
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_run_that_deletes_finishes_with_the_privileges_for_that(int version) throws Exception {
        with(
                version,
                (database, role) -> {
                    try (Connection session = database.connect(role);
                            Statement statement = session.createStatement()) {
                        assertRefused(statement, List.of("UPDATE app.c SET n = 1"));
                    }
                    run(database, role, "delete: { where: id <= 500 }");
                    assertThat(database.queryLong("SELECT count(*) FROM app.c")).isEqualTo(ROWS - 500);
                },
                "privileges=SELECT, DELETE");
    }

    private void run(TestDatabase database, TestRole role, String... work) throws Exception {
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: app.c
                range: { by: id }
                batch: { max: 100 }
                %s
                """.formatted(String.join("\n", work)));
        Path config = Files.writeString(
                directory.resolve("o.conf"), "databases.main.url = \"" + database.jdbcUrl(role.name()) + "\"");
        CommandResult result = CommandResult.of("run", job.toString(), "--config", config.toString());
        assertThat(result.exit()).as(result.text()).isZero();
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, rows_remaining) FROM backfill.run"))
                .containsExactly("SUCCEEDED 0");
    }

    private static void assertRefused(Statement statement, List<String> all) {
        for (String sql : all) {
            assertThatThrownBy(() -> statement.execute(sql))
                    .as(sql)
                    .isInstanceOf(SQLException.class)
                    .extracting(refused -> ((SQLException) refused).getSQLState())
                    .isEqualTo(INSUFFICIENT_PRIVILEGE);
        }
    }
}
