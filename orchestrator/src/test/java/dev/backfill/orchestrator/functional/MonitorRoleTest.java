package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** One role changes rows and sees nothing of the server, another sees it and reads no row: as deploy/ creates them. */
class MonitorRoleTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final List<String> SIGNALS = List.of(
            "replication-drain",
            "replication-lag",
            "standby-missing",
            "standby-stale",
            "lock-waits",
            "lock-storm",
            "active-sessions",
            "foreground",
            "archive-backlog",
            "long-transaction",
            "xmin-age",
            "slot-retention",
            "autovacuum",
            "dead-tuples",
            "checkpoint-pressure");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void the_role_of_the_script_sees_the_server_and_no_table(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            TestRole monitor = database.newRole();
            database.execute(
                    "CREATE SCHEMA app",
                    "CREATE TABLE app.t (n int)",
                    "CREATE TABLE open (n int)",
                    "CREATE VIEW v AS TABLE open");
            assertThat(DeployScript.run(database, "monitor.sql", "role=" + monitor.name()))
                    .doesNotContain("warning");

            try (Connection session = database.connect(monitor);
                    Statement statement = session.createStatement()) {
                assertThat(statement.executeQuery("SELECT * FROM pg_stat_replication"))
                        .isNotNull();
                assertThat(statement.executeQuery("SELECT count(*) FROM pg_ls_archive_statusdir()"))
                        .isNotNull();
                for (String refused : List.of(
                        "SELECT * FROM app.t",
                        "SELECT * FROM open",
                        "SELECT * FROM v",
                        "INSERT INTO open VALUES (1)",
                        "UPDATE open SET n = 1",
                        "DELETE FROM open",
                        "TRUNCATE open",
                        "CREATE TABLE public.mine (n int)")) {
                    assertThatThrownBy(() -> statement.execute(refused))
                            .as(refused)
                            .hasMessageMatching("(?s).*(permission denied|read-only transaction).*");
                }
            }
            database.execute("GRANT SELECT ON open TO PUBLIC");
            assertThat(DeployScript.run(database, "monitor.sql", "role=" + monitor.name()))
                    .contains("warning: the role may use these", "public.open")
                    .doesNotContain("app.t");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void every_signal_is_read_by_the_monitor_beside_a_worker_that_sees_nothing(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 600, Duration.ofMillis(50));
            Roles roles = Roles.create(database);
            database.execute(
                    "CREATE TABLE queue (n int)",
                    "GRANT SELECT ON queue TO " + roles.monitor().name());
            String on = String.join(" = on, ", SIGNALS.subList(4, SIGNALS.size()));
            try (Daemon daemon = Daemon.start(
                    directory,
                    Map.of("main", database.jdbcUrl(roles.worker().name())),
                    "databases.main.monitor.user = " + roles.monitor().name(),
                    "databases.main.cores = 64",
                    "databases.main.throttle { " + on + " = on, sql.queue"
                            + " { query = \"SELECT count(*) FROM queue\", every = 500ms, hold = 5 } }")) {
                database.execute("INSERT INTO queue SELECT generate_series(1, 6)");
                daemon.register("fill", table.job());
                daemon.awaitRun("fill", run -> reason(run).equals("queue"));
                await().atMost(PATIENCE)
                        .untilAsserted(() -> assertThat(daemon.metrics()).contains(upSignals()));
                assertThat(database.queryStrings("SELECT DISTINCT usename FROM pg_stat_activity"
                                + " WHERE application_name = 'backfill monitor' AND datname = current_database()"))
                        .containsExactly(roles.monitor().name());
                assertThat(database.queryStrings("SELECT DISTINCT usename FROM pg_stat_activity"
                                + " WHERE application_name = 'backfill' AND datname = current_database()"))
                        .containsExactly(roles.worker().name());
                database.execute("TRUNCATE queue");
                daemon.awaitState("fill", "SUCCEEDED");
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    /** The monitor sees who waits; the worker's own connection ends the batch. */
    @Test
    void who_waits_for_a_batch_is_seen_by_the_monitor_and_freed_by_the_worker() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            database.execute(
                    "CREATE TABLE fill (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, other int NOT NULL DEFAULT 0)"
                            + " WITH (autovacuum_enabled = off)",
                    "CREATE TABLE pace ()",
                    "INSERT INTO fill SELECT generate_series(1, 4000)",
                    "ANALYZE fill", // so that the batch goes by the key, and comes soon to what the application changes
                    "DELETE FROM fill WHERE id > 200");
            Roles roles = Roles.create(database);
            try (Daemon daemon = Daemon.start(
                            directory,
                            Map.of("main", database.jdbcUrl(roles.worker().name())),
                            "databases.main.monitor.user = " + roles.monitor().name());
                    Connection application = database.connect();
                    Statement statement = application.createStatement()) {
                daemon.register("fill", """
                        version: 1
                        job: fill
                        table: fill
                        range: { by: id }
                        sql: UPDATE fill SET n = n + 1 + (pg_sleep(0.025) IS NULL)::int WHERE :range
                        verify: { remaining: n = 0 }
                        batch: { size: 100, min: 100, max: 100 }
                        """);
                CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                    while (!over.get()) {
                        update(statement);
                    }
                });
                daemon.awaitState("fill", "SUCCEEDED");
                over.set(true);
                writing.join();
                assertThat(daemon.metrics())
                        .containsPattern("backfill_lock_victims_total\\{backfill=\"fill\",database=\"main\"} [1-9]");
            }
            assertThat(database.queryStrings("SELECT concat_ws(' ', n, count(*)) FROM fill GROUP BY n"))
                    .containsExactly("1 200");
        }
    }

    private static void update(Statement statement) {
        try {
            statement.execute("UPDATE fill SET other = other + 1 WHERE id % 50 = 25");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void the_grant_that_is_missing_is_that_of_the_monitor(int version) throws Exception {
        try (TestDatabase database = TestPostgres.version(version).newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 100, Duration.ZERO);
            Roles roles = Roles.create(database);
            String grant = "GRANT pg_monitor TO " + roles.monitor().name();
            database.execute(grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM "));
            Path job = CountedTable.write(directory, table.job());
            Path config = Files.writeString(
                    directory.resolve("o.conf"),
                    "databases.main { url = \""
                            + database.jdbcUrl(roles.worker().name()) + "\", monitor.user = "
                            + roles.monitor().name() + " }");
            CommandResult refused = CommandResult.of("run", job.toString(), "--config", config.toString());
            assertThat(refused.exit()).as(refused.text()).isEqualTo(2);
            assertThat(refused.text())
                    .contains(grant)
                    .doesNotContain(roles.worker().name() + ";");

            database.execute(grant);
            CommandResult done = CommandResult.of("run", job.toString(), "--config", config.toString());
            assertThat(done.exit()).as(done.text()).isZero();
            table.assertEachRowWasChangedOnce();
        }
    }

    @Test
    void each_has_a_password_of_its_own() throws Exception {
        try (TestDatabase database = TestPostgres.withPasswords().newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", 100, Duration.ZERO);
            Roles roles = Roles.create(database);
            Files.writeString(directory.resolve("worker"), roles.worker().password());
            Files.writeString(directory.resolve("monitor"), roles.monitor().password());
            Path job = CountedTable.write(directory, table.job());
            String settings = "databases.main { url = \""
                    + database.jdbcUrl(roles.worker().name())
                    + "\", password-file = worker, monitor { user = "
                    + roles.monitor().name()
                    + ", password-file = %s } }";
            Files.writeString(directory.resolve("other"), "of nobody");
            Path config = Files.writeString(directory.resolve("o.conf"), settings.formatted("other"));
            CommandResult wrong = CommandResult.of("run", job.toString(), "--config", config.toString());
            assertThat(wrong.exit()).as(wrong.text()).isEqualTo(2);
            assertThat(wrong.text())
                    .contains(roles.monitor().name())
                    .doesNotContain(roles.worker().password(), "of nobody");

            Files.writeString(config, settings.formatted("monitor"));
            CommandResult done = CommandResult.of("run", job.toString(), "--config", config.toString());
            assertThat(done.exit()).as(done.text()).isZero();
            table.assertEachRowWasChangedOnce();
        }
    }

    /** Who changes rows, and who looks at the server. */
    private record Roles(TestRole worker, TestRole monitor) {

        /** As the scripts leave them. */
        static Roles create(TestDatabase database) throws Exception {
            Roles roles = new Roles(database.newRole(), database.newRole());
            String worker = "role=" + roles.worker.name();
            DeployScript.run(database, "roles.sql", worker, "monitor=off", "table=public.fill");
            DeployScript.run(database, "roles.sql", worker, "monitor=off", "table=public.pace", "privileges=SELECT");
            DeployScript.run(database, "monitor.sql", "role=" + roles.monitor.name());
            return roles;
        }
    }

    private static String[] upSignals() {
        return Stream.concat(SIGNALS.stream(), Stream.of("queue"))
                .map(word -> "backfill_signal_up{database=\"main\",signal=\"" + word + "\",source=\"\"} 1.0")
                .toArray(String[]::new);
    }

    private static String reason(JsonNode run) {
        return run.path("hold").path("reason").asString("");
    }
}
