package dev.backfill.orchestrator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who receives WAL from a real server and is no standby. */
class ReplicationProbeTest {

    private static final Path BACKUP = Path.of("/usr/lib/postgresql/15/bin/pg_basebackup");
    private static final Duration PATIENCE = Duration.ofSeconds(20);
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
}
