package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import dev.backfill.orchestrator.testing.TestStandby;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who receives WAL from a real server and is no standby; and servers of another kind, for which plain ones stand in. */
class ReplicationProbeTest {

    private static final Path BACKUP = Path.of("/usr/lib/postgresql/15/bin/pg_basebackup");
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String IN_RECOVERY = "the server is in recovery: it is a standby now";
    private static final String SENDERS = "SELECT count(*) FROM pg_stat_replication WHERE state = ";

    @TempDir
    private Path directory;

    @Test
    void a_base_backup_follows_nobody() throws Exception {
        assumeTrue(Files.isExecutable(BACKUP), "there is no pg_basebackup: install postgresql-client-15");
        try (TestDatabase database = TestPostgres.version(15).newDatabase();
                Connection connection = database.connect()) {
            Process backup = new ProcessBuilder(
                            BACKUP.toString(),
                            "--pgdata=" + directory.resolve("backup"),
                            "--max-rate=1024",
                            "--wal-method=none",
                            "--checkpoint=fast",
                            "--dbname=host=127.0.0.1 user=postgres port="
                                    + database.server().port())
                    .inheritIO()
                    .start();
            try {
                await().atMost(PATIENCE).until(() -> database.queryLong(SENDERS + "'backup'") == 1);
                assertThat(ReplicationProbe.ask(connection).followers()).isEmpty();
            } finally {
                backup.destroy();
                backup.waitFor();
            }
        }
    }

    @Test
    void a_subscriber_follows_nobody() throws Exception {
        try (OwnServer server = OwnServer.start(directory, "wal_level=logical");
                TestDatabase from = server.postgres().newDatabase();
                TestDatabase to = from.server().newDatabase();
                Connection connection = from.connect()) {
            from.execute(
                    "CREATE TABLE t (id int PRIMARY KEY)",
                    "INSERT INTO t SELECT generate_series(1, 1000)",
                    "CREATE PUBLICATION p FOR TABLE t",
                    "SELECT pg_create_logical_replication_slot('subscriber', 'pgoutput')");
            to.execute(
                    "CREATE TABLE t (id int PRIMARY KEY)",
                    ("CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 user=postgres port=%d dbname=%s' PUBLICATION p"
                                    + " WITH (create_slot = false, slot_name = 'subscriber')")
                            .formatted(server.postgres().port(), from.name()));
            try {
                await().atMost(PATIENCE).until(() -> {
                    assertThat(ReplicationProbe.ask(connection).followers())
                            .as("nor does one that copies a table")
                            .isEmpty();
                    return to.queryLong("SELECT count(*) FROM t") == 1_000
                            && from.queryLong(SENDERS + "'streaming'") == 1;
                });
                assertThat(ReplicationProbe.ask(connection).followers()).isEmpty();
            } finally {
                to.execute(
                        "ALTER SUBSCRIPTION s DISABLE",
                        "ALTER SUBSCRIPTION s SET (slot_name = NONE)",
                        "DROP SUBSCRIPTION s");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void what_stands_in_for_aurora_is_known_by_what_it_offers_to_install_or_by_its_version(int major) throws Exception {
        try (TestDatabase database = TestPostgres.version(major).newDatabase()) {
            TestRole monitor = database.newMonitoringRole();
            assertThat(isAurora(database, monitor)).as("a plain server").isFalse();
            String offers = "ALTER DATABASE " + database.name() + " SET rds.extensions = ";
            database.execute(offers + "'amcheck, pg_cron'");
            assertThat(isAurora(database, monitor)).as("of the same vendor").isFalse();
            database.execute(offers + "'amcheck, aurora_stat_utils'");
            assertThat(isAurora(database, monitor)).isTrue();

            String version = "CREATE FUNCTION %s.aurora_version() RETURNS text LANGUAGE sql AS $$ SELECT '14.6' $$";
            database.execute(offers + "DEFAULT", version.formatted("public"));
            assertThat(isAurora(database, monitor)).as("somebody's function").isFalse();
            database.execute(version.formatted("pg_catalog"));
            assertThat(isAurora(database, monitor)).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void the_readers_of_what_stands_in_for_aurora_are_read_and_not_those_that_are_gone(int major) throws Exception {
        try (TestDatabase database = TestPostgres.version(major).newDatabase();
                Connection connection = database.connect(database.newMonitoringRole())) {
            database.execute(statusOf("('writer', 'MASTER_SESSION_ID', clock_timestamp(), 0)"));
            ReplicationProbe.Answer alone = ReplicationProbe.askAurora(connection);
            assertThat(alone.isOfReaders()).isTrue();
            assertThat(alone.readers()).isEmpty();

            database.execute(statusOf("""
                    ('writer', 'MASTER_SESSION_ID', NULL, 0),
                    ('behind', 'a', clock_timestamp() - interval '2 s', 1500),
                    ('ahead', 'b', clock_timestamp() + interval '1 min', 12.5),
                    ('asked', 'c', NULL, 3),
                    ('new', 'd', clock_timestamp(), NULL),
                    ('gone', 'e', clock_timestamp() - interval '20 s', 99999)
                    """));
            List<ReplicationProbe.Reader> readers =
                    ReplicationProbe.askAurora(connection).readers();
            assertThat(readers)
                    .extracting(reader -> reader.name() + " " + reader.lag().toNanos() / 1e6)
                    .containsExactlyInAnyOrder("behind 1500.0", "ahead 12.5", "asked 3.0");
            assertThat(readers)
                    .allSatisfy(reader -> assertThat(reader.age().toSeconds())
                            .as("the age of %s", reader)
                            .isBetween(
                                    reader.name().name().equals("behind") ? 2L : 0L,
                                    reader.name().name().equals("behind") ? 10L : 0L));
        }
    }

    @Test
    void a_server_in_recovery_is_no_primary_also_where_it_stands_in_for_aurora() throws Exception {
        try (TestStandby servers = TestStandby.start(14, directory)) {
            TestDatabase database = servers.primary().newDatabase();
            TestDatabase standby = database.on(servers.standby());
            database.execute(statusOf("('reader', 'a', clock_timestamp(), 3)"));
            await().atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> standby.queryLong("SELECT count(*) FROM pg_catalog.aurora_replica_status()") == 1);
            try (Connection connection = standby.connect()) {
                assertThatThrownBy(() -> ReplicationProbe.ask(connection)).hasMessage(IN_RECOVERY);
                assertThatThrownBy(() -> ReplicationProbe.askAurora(connection)).hasMessage(IN_RECOVERY);
            }
        }
    }

    private static boolean isAurora(TestDatabase database, TestRole role) throws SQLException {
        try (Connection connection = database.connect(role)) {
            return ReplicationProbe.isAurora(connection);
        }
    }

    /** A function of the name and with the columns that Aurora's manual says, as far as they are asked for. */
    private static String statusOf(String rows) {
        return """
                CREATE OR REPLACE FUNCTION pg_catalog.aurora_replica_status() RETURNS TABLE (
                    server_id text, session_id text, last_update_timestamp timestamptz, replica_lag_in_msec float8)
                LANGUAGE sql AS $$ SELECT v.server, v.session, CAST(v.updated AS timestamptz), CAST(v.lag AS float8)
                                   FROM (VALUES %s) AS v(server, session, updated, lag) $$
                """.formatted(rows);
    }
}
