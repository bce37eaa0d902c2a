package dev.backfill.orchestrator.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.db.OwnerRights;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestJobs;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class LiveCheckTest {

    private static final String ID = "{ by: id }";
    private static final String UPDATE = "update: { set: { cents: total * 100 }, where: cents IS NULL }";
    private static final String TABLE = """
            CREATE TABLE orders (
                id bigint PRIMARY KEY,
                at timestamptz,
                number int NOT NULL,
                day date NOT NULL,
                total numeric,
                cents bigint,
                twice bigint GENERATED ALWAYS AS (cents * 2) STORED,
                data jsonb)
            """;

    private TestDatabase database;

    @BeforeEach
    void create() throws SQLException {
        database = TestPostgres.newest().newDatabase();
        database.execute(TABLE, "CREATE INDEX ON orders (at)", "CREATE INDEX ON orders (day, id)");
    }

    @AfterEach
    void drop() throws SQLException {
        database.close();
    }

    @Test
    void refuses_a_statement_of_ones_own_that_sets_the_key() throws SQLException {
        String work =
                "sql: UPDATE orders AS o SET id = id + 1, cents = 1 WHERE :range(o)\nverify: { remaining: cents IS NULL }";
        assertThat(refused(ID, work)).singleElement().asString().contains("\"id\" is a column of the run's key");
    }

    @Test
    void accepts_a_job_and_writes_its_statement() throws SQLException {
        Accepted accepted = accepted(ID, UPDATE);
        assertThat(accepted.statement().tableName()).isEqualTo("\"public\".\"orders\"");
        assertThat(accepted.statement().key().columns()).containsExactly(new KeyColumn("id", "bigint", false));
        assertThat(accepted.warnings()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void accepts_and_refuses_the_same_on_every_server(int version) throws SQLException {
        try (TestDatabase other = TestPostgres.version(version).newDatabase()) {
            other.execute(TABLE);
            try (Connection connection = other.connect()) {
                connection.setAutoCommit(false);
                String good =
                        "sql: UPDATE orders o SET cents = 1 WHERE :range(o) AND data ? 'a' AND at < :started\nverify: none";
                assertThat(LiveCheck.check(job(ID, good), connection)).isInstanceOf(Accepted.class);
                assertThat(LiveCheck.check(job(ID, UPDATE), connection)).isInstanceOf(Accepted.class);
                assertThat(LiveCheck.check(job(ID, UPDATE.replace("total", "totl")), connection))
                        .isInstanceOf(Refused.class);
            }
        }
    }

    static IntStream versions() {
        return TestPostgres.versions();
    }

    @Test
    void leaves_nothing_behind() throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            assertThat(LiveCheck.check(job(ID, UPDATE), connection)).isInstanceOf(Accepted.class);
            assertThat(LiveCheck.check(job(ID, UPDATE.replace("total", "totl")), connection))
                    .isInstanceOf(Refused.class);
            assertThat(LiveCheck.check(job(ID, UPDATE.replace("total *", "1 / 0 +")), connection))
                    .isInstanceOf(Refused.class);
            String left = """
                    SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'backfill%')
                         + (SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass)
                    """;
            try (Statement statement = connection.createStatement();
                    var rows = statement.executeQuery(left)) {
                rows.next();
                assertThat(rows.getLong(1)).isZero();
            }
        }
    }

    @Test
    void warns_of_what_is_not_ideal() throws SQLException {
        assertThat(accepted("{ by: time, column: at }", UPDATE).warnings())
                .singleElement()
                .asString()
                .contains("CREATE INDEX CONCURRENTLY ON \"public\".\"orders\" (\"at\", \"id\")");
        assertThat(accepted("{ by: time, column: day }", UPDATE).warnings()).isEmpty();
        assertThat(accepted(ID, UPDATE + "\nverify: none").warnings())
                .singleElement()
                .asString()
                .contains("unverified");
        database.execute("CREATE TABLE heap (a int)", "CREATE INDEX ON heap (a)");
        Accepted heap = (Accepted) check(TestJobs.on("heap", "{ by: id, column: a }", "delete: { where: a > 1 }"));
        assertThat(heap.warnings()).singleElement().asString().contains("no primary key");
    }

    @Test
    void a_table_that_does_not_exist_is_named_with_a_similar_one() throws SQLException {
        database.execute("CREATE SCHEMA other", "CREATE TABLE other.invoices ()", "CREATE TABLE \"Odd Name\" (id int)");
        assertTable("order", "no table \"order\" (did you mean `orders`?)");
        assertTable("public.ordres", "no table \"public\".\"ordres\" (did you mean `orders`?)");
        assertTable("invoices", "no table \"invoices\" (did you mean `other.invoices`?)");
        assertTable("'\"odd name\"'", "no table \"odd name\" (did you mean `public.\"Odd Name\"`?)");
        assertTable("something_else", "no table \"something_else\"");
    }

    @Test
    void only_an_ordinary_table_can_be_backfilled() throws SQLException {
        database.execute(
                "CREATE VIEW v AS SELECT 1 AS id",
                "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id",
                "CREATE FOREIGN DATA WRAPPER w",
                "CREATE SERVER s FOREIGN DATA WRAPPER w",
                "CREATE FOREIGN TABLE f (id int) SERVER s");
        assertTable("v", "\"public\".\"v\" is a view; name the table under it");
        assertTable("m", "\"public\".\"m\" is a materialized view, which only REFRESH can change");
        assertTable("f", "\"public\".\"f\" is a foreign table; run the job in the database that holds its rows");
    }

    @Test
    void finds_all_problems_at_once() throws SQLException {
        String work =
                "update: { set: { cents: totl, nothing: 1, twice: 2, id: 3, data: total }, where: count(*) > 1 }\n"
                        + "verify: { remaining: cents }\nerrors: { lock-timeout: 900ms }\nsession: { time-zone: Mars/Olympus }";
        assertThat(refused("{ by: id, from: a, to: 5 }", work))
                .containsExactly(
                        "f:4:24: invalid input syntax for type bigint: \"a\" (SQLSTATE 22P02) (a value of type bigint is needed)",
                        "f:5:25: column \"totl\" does not exist (SQLSTATE 42703)",
                        "f:5:31: no column \"nothing\" in \"public\".\"orders\"",
                        "f:5:43: \"twice\" is generated and cannot be set",
                        "f:5:53: \"id\" is a column of the run's key, and must not change under the run",
                        "f:5:66: column \"data\" is of type jsonb but expression is of type numeric (SQLSTATE 42804)",
                        "f:5:82: aggregate functions are not allowed in WHERE (SQLSTATE 42803)",
                        "f:6:22: argument of AND must be type boolean, not type bigint (SQLSTATE 42804)",
                        "f:7:25: errors.lock-timeout is 900ms and must be below the server's deadlock_timeout (1000ms)"
                                + " minus batch.target (250ms) (at most 749ms)",
                        "f:8:23: invalid value for parameter \"TimeZone\": \"Mars/Olympus\" (SQLSTATE 22023)"
                                + " (such as UTC or Europe/Berlin)");
    }

    @Test
    void a_rule_that_replaces_the_change_is_refused_and_others_are_not() throws SQLException {
        database.execute(
                "CREATE RULE keep AS ON UPDATE TO orders DO INSTEAD NOTHING",
                "CREATE RULE off AS ON UPDATE TO orders DO INSTEAD NOTHING",
                "ALTER TABLE orders DISABLE RULE off",
                "CREATE RULE more AS ON DELETE TO orders DO ALSO NOTHING");
        assertThat(refused(ID, UPDATE))
                .singleElement()
                .asString()
                .contains("the rule \"keep\" puts something else in place of the change");
        accepted(ID, "delete: { where: cents IS NULL }");
        database.execute(
                "CREATE RULE soft AS ON DELETE TO orders DO INSTEAD UPDATE orders SET cents = 0 WHERE id = OLD.id");
        assertThat(refused(ID, "delete: { where: cents IS NULL }"))
                .singleElement()
                .asString()
                .contains("\"soft\"");
    }

    @Test
    void a_column_that_is_computed_when_read_is_no_range_column() throws SQLException {
        try (TestDatabase newest = TestPostgres.version(18).newDatabase();
                Connection connection = newest.connect()) {
            newest.execute("CREATE TABLE orders (id bigint PRIMARY KEY, cents bigint, total numeric,"
                    + " twice bigint GENERATED ALWAYS AS (id * 2) VIRTUAL)");
            connection.setAutoCommit(false);
            Result result = LiveCheck.check(job("{ by: id, column: twice }", UPDATE), connection);
            assertThat(((Refused) result).problems())
                    .singleElement()
                    .asString()
                    .contains("\"twice\" is computed when a row is read, and no index can hold it")
                    .doesNotContain("CREATE INDEX");
        }
    }

    @Test
    void an_expression_that_cannot_be_planned_is_refused_at_its_place() throws SQLException {
        assertThat(refused(ID, "update: { set: { cents: 1 / 0 }, where: cents IS NULL }"))
                .containsExactly("f:5:25: division by zero (SQLSTATE 22012)");
    }

    @Test
    void an_index_that_is_unique_only_with_an_expression_makes_no_column_unique() throws SQLException {
        database.execute("CREATE UNIQUE INDEX ON orders (number, lower(data::text))");
        assertThat(accepted("{ by: id, column: number }", UPDATE)
                        .statement()
                        .key()
                        .columns())
                .extracting(KeyColumn::name)
                .containsExactly("number", "id");
    }

    @Test
    void columns_that_an_index_only_includes_make_nothing_ordered() throws SQLException {
        database.execute("CREATE INDEX numbers ON orders (total) INCLUDE (number)");
        assertThat(refused("{ by: id, column: number }", UPDATE))
                .singleElement()
                .asString()
                .contains("no index in which the rows can be read by \"number\" (CREATE INDEX");
    }

    @Test
    void bounds_are_compared_by_the_database() throws SQLException {
        assertThat(refused("{ by: time, column: day, from: 1 Mar 2026, to: 2026-02-01 }", UPDATE))
                .containsExactly(
                        "f:4:55: range.to must be greater than range.from (from is inclusive, to is exclusive)");
        assertThat(accepted("{ by: time, column: day, from: 1 Feb 2026, to: 2026-03-01 }", UPDATE))
                .isNotNull();
    }

    @Test
    void numbers_that_are_written_as_texts_are_compared_as_what_the_column_holds() throws SQLException {
        String empty = "range.to must be greater than range.from (from is inclusive, to is exclusive)";
        assertThat(refused("{ by: id, from: \"10\", to: \"9\" }", UPDATE)).containsExactly("f:4:34: " + empty);
        assertThat(refused("{ by: id, from: 10, to: \"9\" }", UPDATE)).containsExactly("f:4:32: " + empty);
        assertThat(accepted("{ by: id, from: \"9\", to: \"10\" }", UPDATE)).isNotNull();
    }

    @Test
    void an_offset_counts_only_in_a_column_of_instants() throws SQLException {
        database.execute("ALTER TABLE orders ADD local timestamp", "CREATE INDEX ON orders (local)");
        String ends = ", from: \"2026-01-01T00:00:00Z\", to: \"2026-01-01T00:30:00+01:00\" }";
        assertThat(accepted("{ by: time, column: local" + ends, UPDATE)).isNotNull();
        assertThat(refused("{ by: time, column: at" + ends, UPDATE))
                .containsExactly(
                        "f:4:66: range.to must be greater than range.from (from is inclusive, to is exclusive)");
    }

    @Test
    void a_bounded_range_is_refused_when_its_column_holds_nulls() throws SQLException {
        String range = "{ by: time, column: at, to: 2026-01-01 }";
        assertThat(accepted(range, UPDATE)).isNotNull();
        database.execute("INSERT INTO orders (id, number, day) VALUES (1, 1, '2026-01-01')");
        assertThat(refused(range, UPDATE))
                .containsExactly("f:4:28: there are rows whose \"at\" is NULL"
                        + " (NULLs in the range column belong to the range only when from and to are left out)");
        assertThat(accepted("{ by: time, column: at }", UPDATE)).isNotNull();
    }

    @ParameterizedTest
    @CsvSource({
        "UPDATE orders SET cents = 1 WHERE :range AND nothing, 42703",
        "UPDATE order SET cents = 1 WHERE :range, 42601",
        "UPDATE orders SET cents = 1 WHERE :range(o), 42P01",
        "WITH x AS (DELETE FROM orders WHERE :range RETURNING 1) TRUNCATE orders, 42601"
    })
    void own_sql_is_refused_with_the_servers_words(String sql, String state) throws SQLException {
        assertThat(refused(ID, "sql: " + sql + "\nverify: none"))
                .singleElement()
                .asString()
                .startsWith("f:5:1: ")
                .contains(state);
    }

    @Test
    void the_ends_of_a_batch_are_refused_where_the_key_has_several_columns() throws SQLException {
        String sql = "sql: UPDATE orders SET cents = 1 WHERE :range AND :from < :to\nverify: none";
        String needs = " needs a key of one column, and this run goes by \"at\", \"id\" (use `:range`)";
        assertThat(refused("{ by: time, column: at }", sql))
                .containsExactly("f:5:6: `:from`" + needs, "f:5:6: `:to`" + needs);
        assertThat(accepted(ID, sql)).isNotNull();
    }

    @Test
    void a_table_published_without_a_replica_identity_is_refused() throws SQLException {
        database.execute(
                "CREATE TABLE heap (a int NOT NULL, b int)",
                "CREATE INDEX ON heap (a)",
                "CREATE PUBLICATION news FOR TABLE heap");
        LoadedJob job = TestJobs.on("heap", "{ by: id, column: a }", "delete: { where: b > 1 }");
        assertThat(problems(check(job)))
                .containsExactly(
                        "f:3:8: published by news without a replica identity: PostgreSQL refuses to change the rows of"
                                + " \"public\".\"heap\" (add a primary key, or ALTER TABLE \"public\".\"heap\" REPLICA IDENTITY USING"
                                + " INDEX ..., or FULL)");
        database.execute("ALTER TABLE heap REPLICA IDENTITY FULL");
        assertThat(check(job)).isInstanceOf(Accepted.class);
    }

    @Test
    void a_missing_right_is_named_with_its_grant() throws SQLException {
        TestRole role = database.newRole();
        String lacks =
                "f:3:8: the role %1$s lacks %2$s on \"public\".\"orders\" (GRANT %2$s ON \"public\".\"orders\" TO %1$s)";
        assertThat(problems(checkAs(role, job(ID, UPDATE))))
                .containsExactly(lacks.formatted(role.name(), "SELECT"), lacks.formatted(role.name(), "UPDATE"));
        assertThat(problems(checkAs(role, job("{ by: id, from: 1, to: 2 }", UPDATE))))
                .containsExactly(lacks.formatted(role.name(), "SELECT"), lacks.formatted(role.name(), "UPDATE"));
        database.execute("GRANT SELECT ON orders TO " + role.name());
        assertThat(problems(checkAs(role, job(ID, "delete: { where: cents > 1 }"))))
                .containsExactly(lacks.formatted(role.name(), "DELETE"));
        database.execute("GRANT UPDATE (cents) ON orders TO " + role.name());
        assertThat(checkAs(role, job(ID, UPDATE))).isInstanceOf(Accepted.class);
        assertThat(problems(checkAs(role, job(ID, UPDATE.replace("cents:", "number:")))))
                .containsExactly(
                        "f:5:1: permission denied for table orders (SQLSTATE 42501) (the job runs as %1$s: GRANT SELECT, UPDATE ON \"public\".\"orders\" TO %1$s)"
                                .formatted(role.name()));
        database.execute("GRANT UPDATE ON orders TO " + role.name(), "REVOKE USAGE ON SCHEMA public FROM PUBLIC");
        assertThat(problems(checkAs(role, TestJobs.on("public.orders", ID, UPDATE))))
                .containsExactly(
                        "f:3:8: the role %1$s lacks USAGE on SCHEMA \"public\" (GRANT USAGE ON SCHEMA \"public\" TO %1$s)"
                                .formatted(role.name()));
        database.execute("GRANT USAGE ON SCHEMA public TO PUBLIC", "GRANT DELETE ON orders TO " + role.name());
    }

    @Test
    void a_right_that_own_sql_needs_elsewhere_is_asked_for() throws SQLException {
        TestRole role = database.newRole();
        database.execute("GRANT SELECT ON orders TO " + role.name(), "CREATE TABLE totals (id bigint)");
        String sql = "sql: INSERT INTO totals SELECT id FROM orders WHERE :range\nverify: none";
        assertThat(problems(checkAs(role, job(ID, sql))))
                .containsExactly("f:5:1: permission denied for table totals (SQLSTATE 42501) (the job runs as "
                        + role.name() + ": GRANT it what the statement needs)");
        database.execute("GRANT INSERT ON totals TO " + role.name());
        assertThat(checkAs(role, job(ID, sql))).isInstanceOf(Accepted.class);
    }

    @Test
    void row_level_security_that_would_hide_rows_is_refused() throws SQLException {
        TestRole role = database.newRole();
        database.execute(
                "GRANT SELECT, UPDATE ON orders TO " + role.name(), "ALTER TABLE orders ENABLE ROW LEVEL SECURITY");
        try (Connection connection = database.connect(role);
                Statement statement = connection.createStatement()) {
            statement.execute("SET row_security = off");
            connection.setAutoCommit(false);
            assertThat(problems(LiveCheck.check(job(ID, UPDATE), connection)))
                    .singleElement()
                    .asString()
                    .contains("would be affected by row-level security", "ALTER ROLE " + role.name() + " BYPASSRLS")
                    .doesNotContain("GRANT");
        }
    }

    @Test
    void a_text_that_is_in_no_encoding_is_refused_as_a_key() throws SQLException {
        String name = database.name() + "_ascii";
        database.execute("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
        try (Connection connection =
                        DriverManager.getConnection(database.jdbcUrl().replace(database.name(), name));
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE codes (code text PRIMARY KEY, id int NOT NULL UNIQUE, n int)");
            connection.setAutoCommit(false);
            assertThat(problems(LiveCheck.check(
                            TestJobs.on("codes", ID, "update: { set: { n: 1 }, where: n IS NULL }"), connection)))
                    .singleElement()
                    .asString()
                    .contains("\"code\" holds text", "SQL_ASCII");
            assertThat(LiveCheck.check(
                            TestJobs.on(
                                    "codes", "{ by: id, column: id }", "update: { set: { n: 1 }, where: n IS NULL }"),
                            connection))
                    .isInstanceOf(Accepted.class);
        } finally {
            database.execute("DROP DATABASE " + name);
        }
    }

    @Test
    void a_lock_that_is_not_given_is_no_problem_of_the_job() throws SQLException {
        try (Connection blocker = database.connect();
                Connection connection = database.connect();
                Statement lock = blocker.createStatement();
                Statement statement = connection.createStatement()) {
            blocker.setAutoCommit(false);
            lock.execute("LOCK TABLE orders");
            statement.execute("SET lock_timeout = 50");
            connection.setAutoCommit(false);
            assertThatThrownBy(() -> LiveCheck.check(job(ID, UPDATE), connection))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("lock timeout");
            blocker.rollback();
            assertThat(LiveCheck.check(job(ID, UPDATE), connection)).isInstanceOf(Accepted.class);
        }
    }

    @Test
    void a_lost_connection_is_no_problem_of_the_job() throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    + " AND pid <> pg_backend_pid()");
            assertThatThrownBy(() -> LiveCheck.check(job(ID, UPDATE), connection))
                    .isInstanceOf(SQLException.class);
        }
    }

    @Test
    void a_publication_of_all_tables_keeps_own_tables_from_being_created() throws SQLException {
        try (Connection connection = database.connect()) {
            assertThat(OwnerRights.allTablesPublication(connection)).isEmpty();
            database.execute("CREATE PUBLICATION a_few FOR TABLE orders");
            assertThat(OwnerRights.allTablesPublication(connection)).isEmpty();
            database.execute("CREATE PUBLICATION everything FOR ALL TABLES");
            assertThat(OwnerRights.allTablesPublication(connection).orElseThrow())
                    .startsWith("publication everything publishes all tables")
                    .contains("backfill ddl", "all-tables-publication = allow");
        }
    }

    private void assertTable(String table, String message) throws SQLException {
        assertThat(problems(check(TestJobs.on(table, ID, "delete: { where: id > 1 }"))))
                .containsExactly("f:3:8: " + message);
    }

    @Test
    void a_range_of_texts_is_read_in_the_order_of_their_column() throws SQLException {
        database.execute("CREATE TABLE l (k text COLLATE \"und-x-icu\" PRIMARY KEY, b int)");
        String work = "update: { set: { b: 1 }, where: b IS NULL }";

        assertThat(check(TestJobs.on("l", "{ by: id, from: a47, to: A58 }", work)))
                .isInstanceOf(Accepted.class);
        assertThat(problems(check(TestJobs.on("l", "{ by: id, from: A58, to: a47 }", work))))
                .containsExactly(
                        "f:4:33: range.to must be greater than range.from (from is inclusive, to is exclusive)");
    }

    @Test
    void what_the_key_is_generated_from_must_not_be_set_either() throws SQLException {
        database.execute(
                "CREATE TABLE g (id int PRIMARY KEY, a int NOT NULL, b int, k int GENERATED ALWAYS AS (a * 2) STORED)",
                "CREATE INDEX ON g (k, id)");
        String moves = "\"a\" sets a generated column of the run's key, which must not change under the run";
        String byK = "{ by: id, column: k }";

        assertThat(problems(check(TestJobs.on("g", byK, "update: { set: { b: 1, a: 5 }, where: b IS NULL }"))))
                .containsExactly("f:5:24: " + moves);
        assertThat(problems(check(TestJobs.on(
                        "g", byK, "sql: UPDATE g SET (b, a) = (1, 5) WHERE :range\nverify: { remaining: b IS NULL }"))))
                .containsExactly("f:5:6: " + moves);
        assertThat(check(TestJobs.on("g", byK, "update: { set: { b: 1 }, where: b IS NULL }")))
                .isInstanceOf(Accepted.class);
        assertThat(check(TestJobs.on("g", ID, "update: { set: { a: 5 }, where: b IS NULL }")))
                .isInstanceOf(Accepted.class);
    }

    private Accepted accepted(String range, String work) throws SQLException {
        Result result = check(job(range, work));
        assertThat(result).isInstanceOf(Accepted.class);
        return (Accepted) result;
    }

    private List<String> refused(String range, String work) throws SQLException {
        return problems(check(job(range, work)));
    }

    private static List<String> problems(Result result) {
        assertThat(result).isInstanceOf(Refused.class);
        return ((Refused) result).problems().stream().map(Problem::display).toList();
    }

    private Result check(LoadedJob job) throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            return LiveCheck.check(job, connection);
        }
    }

    private Result checkAs(TestRole role, LoadedJob job) throws SQLException {
        try (Connection connection = database.connect(role)) {
            connection.setAutoCommit(false);
            return LiveCheck.check(job, connection);
        }
    }

    private static LoadedJob job(String range, String work) {
        return TestJobs.on("orders", range, work);
    }
}
