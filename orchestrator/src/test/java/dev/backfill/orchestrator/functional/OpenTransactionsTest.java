package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that arrive behind a checkpoint, by transactions that were open when the last batch committed. */
class OpenTransactionsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String UPDATE = "update: { set: { n: n + 1 }, where: n = 0 }";
    private static final String SQL =
            "sql: \"UPDATE c SET n = n + 1 WHERE n = 0 AND :range\"\nverify: { remaining: n = 0 }";
    private static final String LATE = "INSERT INTO c VALUES (5000, 0, '2026-01-01 12:00:00+00')";

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE c (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, at timestamptz)",
                """
                INSERT INTO c SELECT i * 3, 0, CASE WHEN i > 2800 THEN NULL WHEN i BETWEEN 1000 AND 1300 THEN '2026-01-02'
                    ELSE timestamptz '2026-01-01' + i * interval '1 min' END
                FROM generate_series(1, 3000) AS i
                """,
                "CREATE INDEX ON c (at)",
                "VACUUM ANALYZE c");
    }

    @AfterEach
    void stop() throws Exception {
        database.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {CountedTable.BY_KEY, CountedTable.BY_TIME})
    void an_update_goes_over_the_range_again_for_a_row_that_came_late(String range) throws Exception {
        try (Connection older = open("CREATE TABLE of_older (id int)");
                Connection younger = open(LATE);
                BackfillProcess process = run(range, UPDATE)) {
            awaitHeldFor(process, "pid " + pid(younger));
            assertThat(process.errors()).contains("pid " + pid(older));

            older.commit();
            awaitOnlyHeldFor(process, "pid " + pid(younger));
            assertThat(state()).isEqualTo("VERIFYING");
            younger.commit();

            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
            assertThat(process.errors()).contains("pass 2");
        }
        new CountedTable(database, 3001).assertManySlicesAndBatches();
        assertThat(state()).isEqualTo("SUCCEEDED");
        assertThat(database.queryStrings("SELECT n || ' times: ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 times: 3001");
        assertThat(database.queryLong("SELECT remaining FROM backfill.proof")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {CountedTable.BY_KEY, CountedTable.BY_TIME})
    void a_statement_that_may_not_be_repeated_fails_with_the_number_and_the_first_key(String range) throws Exception {
        try (Connection older = open("CREATE TABLE of_older (id int)");
                Connection younger = open(LATE);
                BackfillProcess process = run(range, SQL)) {
            awaitHeldFor(process, "pid " + pid(younger));
            older.rollback();
            awaitOnlyHeldFor(process, "pid " + pid(younger));
            younger.commit();

            assertThat(process.waitFor(PATIENCE)).as("%s", process).isEqualTo(1);
            assertThat(process.output())
                    .contains("1 rows still meet `remaining`, the first at ")
                    .contains("5000");
        }
        assertThat(state()).isEqualTo("FAILED");
        assertThat(database.queryLong("SELECT n FROM c WHERE id = 5000")).isZero();
        assertThat(database.queryLong("SELECT count(*) FROM c WHERE n = 1")).isEqualTo(3000);

        database.execute("UPDATE c SET n = 1 WHERE id = 5000");
        try (BackfillProcess again = run(range, SQL)) {
            assertThat(again.waitFor(PATIENCE)).as("%s", again).isZero();
        }
        assertThat(database.queryStrings("SELECT n || ' times: ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 times: 3001");
    }

    @Test
    void a_prepared_transaction_holds_the_end_although_it_has_no_process() throws Exception {
        try (Connection preparing = open(LATE)) {
            preparing.createStatement().execute("PREPARE TRANSACTION 'of an application'");
        }
        try (BackfillProcess process = run(UPDATE)) {
            awaitHeldFor(process, "prepared of an application");
            assertThat(state()).isEqualTo("VERIFYING");
            database.execute("COMMIT PREPARED 'of an application'");

            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
        }
        assertThat(database.queryStrings("SELECT n || ' times: ' || count(*) FROM c GROUP BY n"))
                .containsExactly("1 times: 3001");
    }

    @Test
    void a_transaction_that_began_after_the_last_batch_holds_nothing() throws Exception {
        try (Connection older = open("CREATE TABLE of_older (id int)");
                BackfillProcess process = run(UPDATE)) {
            awaitHeldFor(process, "pid " + pid(older));
            try (Connection later = open("CREATE TABLE of_later (id int)")) {
                older.rollback();
                assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
                later.rollback();
            }
        }
        assertThat(state()).isEqualTo("SUCCEEDED");
    }

    /** It began before the first batch and has read rows of the table; what it writes later, comes after the proof. */
    @Test
    void a_transaction_that_has_not_written_holds_nothing() throws Exception {
        try (Connection reader = database.connect()) {
            reader.setAutoCommit(false);
            reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            reader.createStatement().execute("SELECT count(*) FROM c");
            try (BackfillProcess process = run(UPDATE)) {
                assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
                assertThat(process.errors()).doesNotContain("open-transactions");
            }
            reader.createStatement().execute(LATE);
            reader.commit();
        }
        assertThat(state()).isEqualTo("SUCCEEDED");
        assertThat(database.queryStrings("SELECT n || ' times: ' || count(*) FROM c GROUP BY n ORDER BY n"))
                .containsExactly("0 times: 1", "1 times: 3000");
    }

    private BackfillProcess run(String work) throws Exception {
        return run(CountedTable.BY_KEY, work);
    }

    private BackfillProcess run(String range, String work) throws Exception {
        Path job = CountedTable.write(directory, """
                version: 1
                job: late-rows
                table: c
                range: %s
                batch: { size: 100, max: 100 }
                %s
                """.formatted(range, work));
        return BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl());
    }

    private Connection open(String change) throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        connection.createStatement().execute(change);
        return connection;
    }

    private String state() throws SQLException {
        return database.queryStrings("SELECT state FROM backfill.run").get(0);
    }

    private static void awaitHeldFor(BackfillProcess process, String whom) {
        await().atMost(PATIENCE)
                .until(() -> process.errors()
                        .lines()
                        .anyMatch(line -> line.contains("held: open-transactions") && line.contains(whom)));
    }

    private static void awaitOnlyHeldFor(BackfillProcess process, String whom) {
        await().atMost(PATIENCE)
                .until(() -> process.errors()
                        .lines()
                        .anyMatch(line -> line.contains("held: open-transactions")
                                && line.contains(whom)
                                && line.indexOf("pid ") == line.lastIndexOf("pid ")));
    }

    private static int pid(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getInt(1);
        }
    }
}
