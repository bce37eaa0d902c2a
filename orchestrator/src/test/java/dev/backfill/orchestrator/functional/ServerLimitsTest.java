package dev.backfill.orchestrator.functional;

import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A batch that needs more than the server has or gives is tried with fewer keys, until it fits. */
class ServerLimitsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private static OwnServer server;

    @TempDir
    private Path directory;

    @BeforeAll
    static void start(@TempDir Path data) throws Exception {
        server = OwnServer.start(data, "max_connections=20", "max_locks_per_transaction=10");
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @Test
    void memory_for_locks() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase()) {
            assertGoesOn(
                    database,
                    "UPDATE t SET counter = counter + 1 WHERE :range AND pg_try_advisory_xact_lock(id)",
                    "out of shared memory");
        }
    }

    @Test
    void temporary_files() throws Exception {
        try (TestDatabase database = server.postgres().newDatabase()) {
            for (String setting : new String[] {"temp_file_limit = '2MB'", "work_mem = '64kB'"}) {
                database.execute("ALTER DATABASE " + database.name() + " SET " + setting);
            }
            assertGoesOn(
                    database,
                    "UPDATE t SET counter = counter + 1 FROM (SELECT id AS key, row_number() OVER"
                            + " (ORDER BY repeat(md5(id::text), 30)) AS place FROM t WHERE :range(t)) AS sorted"
                            + " WHERE id = key AND place > 0 AND :range(t)",
                    "temporary file size exceeds \"temp_file_limit\"");
        }
    }

    private void assertGoesOn(TestDatabase database, String sql, String said) throws Exception {
        try (Oracle oracle = Oracle.create(database, 10_000);
                Daemon daemon = Daemon.start(directory, database)) {
            daemon.register(
                    Oracle.JOB,
                    oracle.yaml(2_000, Duration.ZERO)
                            .replaceFirst("sql: .*", "sql: " + sql)
                            .replaceFirst("min: [0-9]*", "min: 50"));
            await().atMost(PATIENCE).until(() -> server.log().contains(said));
            oracle.faultIsOver();

            daemon.awaitState(Oracle.JOB, "SUCCEEDED");
            oracle.assertExactlyOnce();
        }
    }
}
