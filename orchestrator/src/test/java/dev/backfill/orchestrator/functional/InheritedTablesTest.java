package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a table says of NULLs does not hold for all of its rows: those of tables below it, those from before. */
class InheritedTablesTest {

    private static final int OLD = 14;
    private static final int NEW = 18;
    private static final String AT =
            "CASE WHEN g % 10 > 0 THEN timestamptz '2026-01-01' + g * interval '1 min' END AS at";
    private static final String ROWS = " FROM generate_series(1, 3000) AS g";

    @TempDir
    private Path directory;

    @Test
    void rows_from_before_a_not_null_that_was_never_validated_belong_to_the_range() throws Exception {
        try (TestDatabase database = TestPostgres.version(NEW).newDatabase()) {
            database.execute(
                    "CREATE TABLE c (id int PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0)",
                    "INSERT INTO c SELECT g, " + AT + ROWS,
                    "CREATE INDEX ON c (at, id)",
                    "ALTER TABLE c ADD CONSTRAINT filled NOT NULL at NOT VALID");
            String bounded = "{ by: time, column: at, from: 2026-01-01 }";

            CommandResult update = run(database, CountedTable.job(directory, "{ by: time, column: at }"));
            assertThat(update.exit()).isEqualTo(3);
            assertThat(update.text()).contains("is paused: at key [null, 10]: null value in column \"at\"");
            assertThat(check(database, bounded).text()).contains("job.yaml:4:28: there are rows whose \"at\" is NULL");
            CommandResult delete = run(database, CountedTable.write(directory, """
                    version: 1
                    job: delete
                    table: c
                    range: { by: time, column: at }
                    delete: { where: id % 2 = 0 }
                    share-table: true
                    """));

            assertThat(delete.exit()).as(delete.text()).isZero();
            assertThat(database.queryLong("SELECT count(*) FROM c")).isEqualTo(1500);
            database.execute("ALTER TABLE c VALIDATE CONSTRAINT filled");
            assertThat(check(database, bounded).exit()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {OLD, NEW})
    void rows_of_a_table_below_that_says_nothing_of_nulls_are_worked(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            database.execute("CREATE TABLE c (id int PRIMARY KEY, at timestamptz, n int NOT NULL DEFAULT 0)");
            notNullHereAlone(database, version, "at");
            database.execute(
                    "CREATE TABLE below () INHERITS (c)",
                    version == NEW ? "SELECT" : "ALTER TABLE below ALTER at DROP NOT NULL",
                    "CREATE TABLE lowest (PRIMARY KEY (id)) INHERITS (below)",
                    "INSERT INTO c SELECT -g, now()" + ROWS,
                    "INSERT INTO lowest SELECT g, " + AT + ROWS,
                    "CREATE INDEX ON c (at, id)",
                    "CREATE INDEX ON lowest (at, id)");

            assertEachRowIsWorkedOnce(database, "{ by: time, column: at }", 6000);
        }
    }

    @Test
    void rows_whose_primary_key_is_null_are_one_batch() throws Exception {
        try (TestDatabase database = TestPostgres.version(OLD).newDatabase()) {
            database.execute(
                    "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                    "CREATE TABLE below () INHERITS (c)",
                    "ALTER TABLE below ALTER id DROP NOT NULL",
                    "INSERT INTO c SELECT g" + ROWS,
                    "INSERT INTO below SELECT CASE WHEN g % 10 > 0 THEN g + 3000 END" + ROWS);

            assertThat(check(database, "{ by: id }").text())
                    .contains("has NULLs in its primary key", "rows of one value are one batch");
            assertEachRowIsWorkedOnce(database, "{ by: id }", 6000);
        }
    }

    @Test
    void a_further_key_column_that_holds_nulls_all_the_same_is_refused() throws Exception {
        try (TestDatabase database = TestPostgres.version(NEW).newDatabase()) {
            database.execute(
                    "CREATE TABLE c (a int, b int, n int NOT NULL DEFAULT 0)",
                    "CREATE INDEX ON c (a, b)",
                    "ALTER TABLE c ADD CONSTRAINT filled NOT NULL b NOT VALID");

            CommandResult refused = check(database, "{ by: id, column: [a, b] }");

            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.text()).contains("job.yaml:4:30: the column \"b\" may be NULL");
            database.execute("ALTER TABLE c VALIDATE CONSTRAINT filled");
            assertThat(check(database, "{ by: id, column: [a, b] }").exit()).isZero();
        }
    }

    @Test
    void a_primary_key_that_holds_nulls_tells_no_equal_values_apart() throws Exception {
        try (TestDatabase database = TestPostgres.version(OLD).newDatabase()) {
            database.execute(
                    "CREATE TABLE c (id int PRIMARY KEY, a int, n int NOT NULL DEFAULT 0)",
                    "CREATE INDEX ON c (a)",
                    "CREATE TABLE below () INHERITS (c)",
                    "ALTER TABLE below ALTER id DROP NOT NULL");

            CommandResult refused = check(database, "{ by: id, column: a }");

            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.text()).contains("job.yaml:4:26: the column \"id\" may be NULL");
        }
    }

    @Test
    void a_table_below_that_is_elsewhere_is_refused_by_name() throws Exception {
        try (TestDatabase database = TestPostgres.version(NEW).newDatabase()) {
            database.execute(
                    "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                    "CREATE TABLE below () INHERITS (c)",
                    "CREATE FOREIGN DATA WRAPPER w",
                    "CREATE SERVER s FOREIGN DATA WRAPPER w",
                    "CREATE FOREIGN TABLE far () INHERITS (below) SERVER s");

            CommandResult refused = check(database, "{ by: id }");

            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.text())
                    .contains("job.yaml:3:8: \"public\".\"c\" has tables that inherit from it in other databases: far");
        }
    }

    private static void notNullHereAlone(TestDatabase database, int version, String column) throws SQLException {
        database.execute(
                version == NEW
                        ? "ALTER TABLE c ADD CONSTRAINT filled NOT NULL " + column + " NO INHERIT"
                        : "ALTER TABLE c ALTER " + column + " SET NOT NULL");
    }

    private void assertEachRowIsWorkedOnce(TestDatabase database, String range, int rows) throws Exception {
        CommandResult result =
                run(database, CountedTable.job(directory, range, "batch: { size: 100, min: 100, max: 100 }"));

        assertThat(result.exit()).as(result.text()).isZero();
        new CountedTable(database, rows).assertEachRowWasChangedOnce();
    }

    private static CommandResult run(TestDatabase database, Path job) {
        return CommandResult.of("run", job.toString(), "--database", database.jdbcUrl());
    }

    private CommandResult check(TestDatabase database, String range) throws Exception {
        Path job = CountedTable.job(directory, range);
        return CommandResult.of("validate", job.toString(), "--database", database.jdbcUrl());
    }
}
