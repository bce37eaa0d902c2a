package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A table with row level security is worked by a role that sees every row of it, and by no other. */
class RowSecurityTest {

    private static final int ROWS = 3_000;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private TestDatabase database;
    private TestRole role;

    /** A policy hides half of the rows from whoever it holds for. */
    @BeforeEach
    void create() throws Exception {
        database = TestPostgres.newest().newDatabase();
        CountedTable.create(database, ROWS);
        role = database.newMonitoringRole();
        database.execute(
                "ALTER TABLE c ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY half ON c USING (id % 2 = 0)",
                "GRANT SELECT, UPDATE ON c TO " + role.name(),
                "CREATE SCHEMA backfill AUTHORIZATION " + role.name());
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    @Test
    void a_role_with_bypassrls_works_every_row() throws Exception {
        database.execute("ALTER ROLE " + role.name() + " BYPASSRLS");

        assertWorksEveryRow();
    }

    @Test
    void a_role_with_bypassrls_works_every_row_of_a_table_that_forces_it() throws Exception {
        database.execute("ALTER ROLE " + role.name() + " BYPASSRLS", "ALTER TABLE c FORCE ROW LEVEL SECURITY");

        assertWorksEveryRow();
    }

    @Test
    void the_owner_works_every_row() throws Exception {
        database.execute("ALTER TABLE c OWNER TO " + role.name());

        assertWorksEveryRow();
    }

    @Test
    void the_owner_is_refused_by_a_table_that_forces_it() throws Exception {
        database.execute("ALTER TABLE c OWNER TO " + role.name(), "ALTER TABLE c FORCE ROW LEVEL SECURITY");

        assertIsRefused();
    }

    @Test
    void any_other_role_is_refused() throws Exception {
        assertIsRefused();
    }

    /** Of the table, or of another that the check reads. */
    @ParameterizedTest
    @ValueSource(strings = {"c", "other"})
    void where_it_comes_while_the_range_is_checked_the_run_pauses_and_goes_on_once_it_is_gone(String table)
            throws Exception {
        database.execute(
                "ALTER TABLE c DISABLE ROW LEVEL SECURITY",
                "CREATE TABLE other (id bigint PRIMARY KEY)",
                "INSERT INTO other SELECT id FROM c",
                "GRANT SELECT ON other TO " + role.name());
        Path job = CountedTable.write(directory, """
                version: 1
                job: count
                table: c
                range: { by: id }
                sql: "UPDATE c SET n = n + 1 WHERE :range"
                verify: { remaining: n = 0 AND EXISTS (SELECT FROM other WHERE other.id = c.id) }
                """);
        String url = database.jdbcUrl(role.name());
        try (Connection open = database.connect();
                BackfillProcess process = BackfillProcess.start("run", job.toString(), "--database", url)) {
            open.setAutoCommit(false);
            open.createStatement().execute("CREATE TABLE of_another ()");
            await().atMost(PATIENCE).until(() -> process.errors().contains("held: open-transactions"));
            database.execute("ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY");
            open.rollback();

            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(3);
        }
        assertThat(database.queryStrings("SELECT concat_ws(' ', state, paused_from, reason) FROM backfill.run"))
                .containsExactly("PAUSED VERIFYING query would be affected by row-level security policy for table \""
                        + table + "\" (SQLSTATE 42501)");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.proof")).isZero();

        database.execute("ALTER TABLE " + table + " DISABLE ROW LEVEL SECURITY");
        CommandResult again = CommandResult.of("run", job.toString(), "--database", url);
        assertThat(again.exit()).as(again.text()).isZero();
        new CountedTable(database, ROWS).assertEachRowWasChangedOnce();
    }

    private void assertWorksEveryRow() throws Exception {
        CommandResult result = carryOut("run");

        assertThat(result.exit()).as(result.text()).isZero();
        new CountedTable(database, ROWS).assertEachRowWasChangedOnce();
    }

    private void assertIsRefused() throws Exception {
        for (String command : List.of("validate", "run")) {
            CommandResult result = carryOut(command);

            assertThat(result.exit()).as(result.text()).isEqualTo(2);
            assertThat(result.text())
                    .contains("job.yaml:5:1: ", "row-level security", "ALTER ROLE " + role.name() + " BYPASSRLS");
        }
        assertThat(database.queryLong("SELECT max(n) FROM c")).isZero();
    }

    private CommandResult carryOut(String command) throws Exception {
        Path job = CountedTable.job(directory, CountedTable.BY_KEY);
        return CommandResult.of(command, job.toString(), "--database", database.jdbcUrl(role.name()));
    }
}
