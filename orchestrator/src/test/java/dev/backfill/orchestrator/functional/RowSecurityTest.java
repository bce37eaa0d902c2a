package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A table with row level security is worked by a role that sees every row of it, and by no other. */
class RowSecurityTest {

    private static final int ROWS = 3_000;

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
