package dev.backfill.orchestrator.outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.config.DatabaseSettings.Login;
import dev.backfill.orchestrator.config.SettingsReader;
import dev.backfill.orchestrator.db.Database;
import dev.backfill.orchestrator.testing.PgBouncer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Queries of users against real servers, the oldest and the newest. */
class SqlReaderTest {

    private static final String SECRET = "SECRET";

    private interface Check {
        void run(TestDatabase server, Database database) throws Exception;
    }

    private static void with(int major, Check check) throws Exception {
        try (TestDatabase server = TestPostgres.version(major).newDatabase();
                Database database = database(server.jdbcUrl(), false)) {
            server.execute("CREATE TABLE t (n int)", "INSERT INTO t VALUES (1), (2)", "CREATE SEQUENCE s");
            check.run(server, database);
        }
    }

    private static Database database(String url, boolean pooled) {
        Login login = new Login(url, Optional.empty(), Optional.empty(), pooled);
        return new Database(SettingsReader.forDatabase(login)
                .databases()
                .values()
                .iterator()
                .next());
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_number_of_any_type_is_read(int major) throws Exception {
        with(major, (server, database) -> {
            assertThat(read(database, "SELECT count(*) FROM t")).isEqualTo(2);
            for (String type : new String[] {"int2", "int4", "int8", "float4", "float8", "numeric", "numeric(9,3)"}) {
                assertThat(read(database, "SELECT 0.5 + CAST(2 AS " + type + ") - 0.5"))
                        .as(type)
                        .isEqualTo(2);
            }
            assertThat(read(database, "SELECT -1.5 -- and no more")).isEqualTo(-1.5);
            assertThat(read(database, "SELECT 3;")).isEqualTo(3);
            assertThat(read(database, "WITH a AS (SELECT ';' AS x) SELECT count(*) FROM a WHERE x = ';'"))
                    .isEqualTo(1);
            assertThat(read(database, "SELECT count(*) FROM t WHERE '{\"a\": 1}'::jsonb ? 'a'"))
                    .isEqualTo(2);
            assertThat(read(database, "VALUES (9)")).isEqualTo(9);
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_is_not_one_number_is_none(int major) throws Exception {
        with(major, (server, database) -> {
            assertUnreadable(database, "SELECT n FROM t WHERE n > 5", "answers no row");
            assertUnreadable(database, "SELECT n FROM t", "answers more than one row");
            assertUnreadable(database, "SELECT n FROM generate_series(1, 10000000) AS n", "answers more than one row");
            assertUnreadable(database, "SELECT 1, 2", "answers 2 columns, not one");
            assertUnreadable(database, "SELECT FROM t", "answers 0 columns, not one");
            assertUnreadable(database, "SELECT NULL::int", "answers NULL");
            assertUnreadable(database, "SELECT 'NaN'::numeric", "not finite");
            assertUnreadable(database, "SELECT 'Infinity'::float8", "not finite");
            assertUnreadable(database, "SELECT 10::numeric ^ 400", "not finite");
            assertUnreadable(database, "SELECT '5'::text", "answers text, which is not the type of a number");
            assertUnreadable(database, "SELECT now()", "answers timestamptz");
            assertUnreadable(database, "SELECT true", "answers bool");
            assertUnreadable(database, "SET work_mem = '1MB'", "answers no rows");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void errors_are_told_without_what_was_read(int major) throws Exception {
        with(major, (server, database) -> {
            server.execute(
                    "INSERT INTO t VALUES (0)", "CREATE TABLE words (w text)", "INSERT INTO words VALUES ('SECRET')");
            assertUnreadable(database, "SELECT w::int FROM words", "fails with SQLSTATE 22P02");
            assertUnreadable(database, "SELECT 1 / n FROM t WHERE n = 0", "fails with SQLSTATE 22012");
            assertUnreadable(database, "SELECT count(*) FROM nowhere", "relation \"nowhere\" does not exist");
            assertUnreadable(database, "SELEC 1", "syntax error");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void nothing_is_written_and_no_setting_stays(int major) throws Exception {
        with(major, (server, database) -> {
            SqlReader writer = new SqlReader(database, "INSERT INTO t VALUES (7) RETURNING 1");
            assertThatThrownBy(writer::read).hasMessageContaining("read-only transaction");
            assertUnreadable(database, "SELECT nextval('s')", "read-only transaction");
            assertUnreadable(database, "SELECT 1; DELETE FROM t", "read-only transaction");
            assertUnreadable(database, "SELECT 1; SELECT 2", "more than one statement");
            assertUnreadable(database, "WITH d AS (DELETE FROM t RETURNING 1) SELECT count(*) FROM d", "read-only");
            assertUnreadable(
                    database,
                    "SELECT count(set_config('transaction_read_only', 'off', false))",
                    "transaction read-write mode must be set before any query");
            SqlReader setter =
                    new SqlReader(database, "SELECT count(set_config('default_transaction_read_only', 'off', false))");
            setter.read();
            setter.read();
            setter.close();
            assertThat(server.queryLong("SELECT count(*) FROM t")).isEqualTo(2);
        });
    }

    /** A session that is kept is as it was, whatever the query did. */
    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_a_query_sets_is_gone_with_it(int major) throws Exception {
        with(major, (server, database) -> {
            server.execute("""
                    CREATE FUNCTION meddle() RETURNS int LANGUAGE sql AS $$
                    SELECT (current_setting('statement_timeout') || set_config('statement_timeout', '7s', false)
                            = '2s7s')::int $$
                    """);
            SqlReader reader = new SqlReader(database, "SELECT meddle()");
            assertThat(reader.read().value()).isEqualTo(1);
            assertThat(reader.read().value()).isEqualTo(1);
            reader.close();
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_lasts_or_waits_is_cut_off(int major) throws Exception {
        with(major, (server, database) -> {
            assertUnreadable(database, "SELECT count(*) FROM pg_sleep(60)", "statement timeout");
            try (Connection locker = server.connect();
                    Statement lock = locker.createStatement()) {
                locker.setAutoCommit(false);
                lock.execute("LOCK TABLE t");
                long begun = System.nanoTime();
                assertUnreadable(database, "SELECT count(*) FROM t", "lock timeout");
                assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofMillis(150));
            }
        });
    }

    @Test
    void a_session_that_was_ended_is_replaced() throws Exception {
        with(18, (server, database) -> {
            SqlReader reader = new SqlReader(database, "SELECT count(*) FROM t");
            assertThat(reader.read().value()).isEqualTo(2);
            server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    + " WHERE application_name = 'backfill monitor' AND datname = current_database()");
            assertThatThrownBy(reader::read).isInstanceOf(UnreadableException.class);
            assertThat(reader.read().value()).isEqualTo(2);
            reader.close();
        });
    }

    @Test
    void behind_a_pooler_it_is_the_same(@TempDir Path directory) throws Exception {
        try (TestDatabase server = TestPostgres.newest().newDatabase();
                PgBouncer pooler = PgBouncer.start(directory, server.server(), 2);
                Database database = database(pooler.jdbcUrl(server), true)) {
            server.execute("CREATE TABLE t (n int)", "INSERT INTO t VALUES (1), (2)");
            assertThat(read(database, "SELECT count(*) FROM t")).isEqualTo(2);
            assertUnreadable(database, "INSERT INTO t VALUES (7) RETURNING 1", "read-only transaction");
            assertUnreadable(database, "SELECT count(*) FROM pg_sleep(60)", "statement timeout");
            assertThat(read(database, "SELECT count(*) FROM t")).isEqualTo(2);
        }
    }

    private static double read(Database database, String query) throws UnreadableException {
        try (SqlReader reader = new SqlReader(database, query)) {
            return reader.read().value();
        }
    }

    private static void assertUnreadable(Database database, String query, String why) {
        assertThatThrownBy(() -> read(database, query))
                .as(query)
                .isInstanceOf(UnreadableException.class)
                .hasMessageContaining(why)
                .hasMessageNotContaining(SECRET)
                .hasNoCause();
    }
}
