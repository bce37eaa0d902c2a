package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.db.SchemaMigrator;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The daemon's own tables: made by somebody else, lost, or beside something else. */
class OwnTablesTest {

    private static final int ROWS = 100;

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
    @ValueSource(strings = {"auto", "check"})
    void a_role_that_may_only_use_them_works_with_what_was_made_by_hand(String upgrade) throws Exception {
        database.execute(SchemaMigrator.script("backfill"));
        PacedTable table = PacedTable.create(database, "fill", ROWS, Duration.ZERO);
        TestRole role = database.newMonitoringRole();
        database.execute(
                "GRANT USAGE ON SCHEMA backfill TO " + role.name(),
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA backfill TO " + role.name(),
                "GRANT SELECT, UPDATE ON fill TO " + role.name(),
                "GRANT SELECT ON pace TO " + role.name());
        Map<String, String> urls = Map.of("main", database.jdbcUrl(role.name()));
        try (Daemon daemon = Daemon.start(directory, urls, "databases.main.upgrade = " + upgrade)) {
            daemon.register("fill", table.job());

            daemon.awaitState("fill", "SUCCEEDED");
            table.assertEachRowWasChangedOnce();
        }
        assertThat(database.queryStrings("SELECT to_regclass('backfill.schema_history')::text IS NULL"))
                .containsExactly("t");
    }

    @Test
    void under_a_publication_of_all_tables_nothing_is_added_to_what_was_made_by_hand() throws Exception {
        database.execute(SchemaMigrator.script("backfill"), "CREATE PUBLICATION everything FOR ALL TABLES");
        try (Daemon daemon = Daemon.start(directory, database)) {
            assertThat(daemon.get("/health/ready")
                            .body()
                            .at("/databases/0/status")
                            .asString())
                    .isEqualTo("ready");
        }
        assertThat(database.queryStrings("SELECT to_regclass('backfill.schema_history')::text IS NULL"))
                .containsExactly("t");
    }

    @Test
    void a_schema_that_holds_only_a_function_gets_them() throws Exception {
        database.execute("CREATE SCHEMA backfill", "CREATE FUNCTION backfill.f() RETURNS int RETURN 1");
        PacedTable table = PacedTable.create(database, "fill", ROWS, Duration.ZERO);
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("fill", table.job());

            daemon.awaitState("fill", "SUCCEEDED");
        }
    }

    @Test
    void lost_while_they_were_in_use_they_are_not_made_anew_behind_the_back() throws Exception {
        PacedTable table = PacedTable.create(database, "fill", ROWS, Duration.ofMillis(200));
        try (Daemon daemon = Daemon.start(directory, database)) {
            daemon.register("fill", table.job());
            daemon.awaitState("fill", "RUNNING");

            database.execute("DROP SCHEMA backfill CASCADE");

            await().dontCatchUncaughtExceptions().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
                JsonNode ready = daemon.get("/health/ready").body().at("/databases/0");
                assertThat(ready.path("status").asString()).isEqualTo("refused");
                assertThat(ready.toString()).contains("are gone");
            });
            assertThat(database.queryStrings("SELECT nspname FROM pg_namespace WHERE nspname = 'backfill'"))
                    .isEmpty();
        }
    }
}
