package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A role that cannot see the standbys is refused, unless nobody wants to look at them. */
class MonitoringRightTest {

    private static final String OFF = "throttle { replication-drain = off, replication-lag = off,"
            + " standby-missing = off, standby-stale = off, lock-waits = off, lock-storm = off, foreground = off,"
            + " archive-backlog = off }";
    private static final String OWN_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'backfill'";

    @TempDir
    private Path directory;

    private TestDatabase database;
    private String url;
    private String grant;

    @BeforeEach
    void create() throws Exception {
        create(TestPostgres.newest());
    }

    private void create(TestPostgres server) throws Exception {
        database = server.newDatabase();
        CountedTable.create(database, 1_000);
        TestRole role = database.newRole();
        database.execute(
                "GRANT SELECT, UPDATE ON c TO " + role.name(), "CREATE SCHEMA backfill AUTHORIZATION " + role.name());
        url = database.jdbcUrl(role.name());
        grant = "GRANT pg_monitor TO " + role.name();
    }

    @AfterEach
    void drop() throws Exception {
        database.close();
    }

    private void goesOnWith(int version) throws Exception {
        database.close();
        create(TestPostgres.version(version));
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void validate_and_run_refuse_it_before_anything_is_touched(int version) throws Exception {
        goesOnWith(version);
        Path job = CountedTable.job(directory, CountedTable.BY_KEY);
        for (String command : List.of("validate", "run")) {
            CommandResult result = CommandResult.of(command, job.toString(), "--database", url);

            assertThat(result.exit()).as(result.text()).isEqualTo(2);
            assertThat(result.text()).contains(grant, OFF).doesNotContain("Exception");
        }
        assertThat(database.queryLong(OWN_TABLES)).isZero();
        assertThat(database.queryLong("SELECT max(n) FROM c")).isZero();
    }

    @Test
    void with_the_signals_off_it_runs() throws Exception {
        Path job = CountedTable.job(directory, CountedTable.BY_KEY);
        Path file = Files.writeString(
                directory.resolve("o.conf"), "databases.main.url = \"" + url + "\"\ndatabase-defaults." + OFF);
        CommandResult result = CommandResult.of("run", job.toString(), "--config", file.toString());

        assertThat(result.exit()).as(result.text()).isZero();
        new CountedTable(database, 1_000).assertEachRowWasChangedOnce();
    }

    @Test
    void the_daemon_registers_no_job_of_it() throws Exception {
        try (Daemon daemon = Daemon.start(directory, Map.of("main", url))) {
            Daemon.Answer refused = daemon.put(
                    "/api/v1/jobs/count", Files.readString(CountedTable.job(directory, CountedTable.BY_KEY)));

            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.body().toString()).contains(grant, OFF);
            database.execute(grant);
            assertThat(daemon.put("/api/v1/jobs/count", Files.readString(directory.resolve("job.yaml")))
                            .status())
                    .isEqualTo(201);
            daemon.awaitState("count", "SUCCEEDED");
        }
    }

    @Test
    void a_run_whose_role_has_lost_the_right_is_paused_with_the_way_out() throws Exception {
        database.execute(grant);
        String later = "schedule: { start: manual }";
        try (Daemon daemon = Daemon.start(directory, Map.of("main", url))) {
            String job = Files.readString(CountedTable.job(directory, CountedTable.BY_KEY, later));
            assertThat(daemon.put("/api/v1/jobs/count", job).status()).isEqualTo(201);
            database.execute(grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM "));
            daemon.post("/api/v1/jobs/count/start");

            daemon.awaitState("count", "PAUSED");
            assertThat(daemon.run("count").path("reason").asString()).contains(grant, OFF);
            assertThat(database.queryLong("SELECT max(n) FROM c")).isZero();
            database.execute(grant);
            daemon.post("/api/v1/jobs/count/resume");
            daemon.awaitState("count", "SUCCEEDED");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_pg_monitor_alone_may_not_read_here_is_said_with_its_grant(int version) throws Exception {
        goesOnWith(version);
        database.execute(grant, "REVOKE EXECUTE ON FUNCTION pg_ls_archive_statusdir() FROM PUBLIC, pg_monitor");
        Path job = CountedTable.job(directory, CountedTable.BY_KEY);
        CommandResult refused = CommandResult.of("validate", job.toString(), "--database", url);

        assertThat(refused.exit()).as(refused.text()).isEqualTo(2);
        assertThat(refused.text())
                .contains(
                        "archive-backlog: permission denied for function pg_ls_archive_statusdir",
                        grant.replace("pg_monitor", "EXECUTE ON FUNCTION pg_ls_archive_statusdir"),
                        "throttle { archive-backlog = off }");
        database.execute(grant.replace("pg_monitor", "EXECUTE ON FUNCTION pg_ls_archive_statusdir"));
        assertThat(CommandResult.of("run", job.toString(), "--database", url).exit())
                .isZero();
    }
}
