package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A daemon is soon ready, or says what is wrong and ends. */
@Tag("measured")
class DaemonStartTest {

    private static final int STARTS = 5;
    private static final long MOST_MILLISECONDS = 3_000;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    private Path directory;

    @Test
    void it_is_ready_within_three_seconds() throws Exception {
        long[] milliseconds = new long[STARTS];
        for (int i = 0; i < STARTS; i++) {
            try (TestDatabase database = TestPostgres.newest().newDatabase()) {
                long begun = System.nanoTime();
                try (Daemon daemon = Daemon.start(directory, database)) {
                    milliseconds[i] = (System.nanoTime() - begun) / 1_000_000;
                    assertThat(daemon.isReady()).isTrue();
                }
            }
        }
        Arrays.sort(milliseconds);
        System.out.println("ready on an empty database after ms " + Arrays.toString(milliseconds));
        assertThat(milliseconds[STARTS / 2]).isLessThan(MOST_MILLISECONDS);
    }

    @Test
    void every_problem_of_the_configuration_is_said_at_once() throws Exception {
        String said = refused("""
                leese = 15s
                workers = 0
                jobs = nowhere
                stop-file = missing/STOP
                admin.port = 70000
                scheduler.database = other
                databases {
                  main { url = "jdbc:mysql://localhost/shop", max-workers = many }
                }
                """);

        assertThat(said)
                .contains("orchestrator.conf: 1: ", "leese")
                .contains("orchestrator.conf: 2: ", "workers")
                .contains("orchestrator.conf: 3: ", "nowhere")
                .contains("orchestrator.conf: 4: ", "missing")
                .contains("orchestrator.conf: 5: ", "70000")
                .contains("orchestrator.conf: 6: ", "other")
                .contains("orchestrator.conf: 8: ", "jdbc:postgresql://", "max-workers")
                .doesNotContain("Exception");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "::", "192.0.2.1", "backfill.example"})
    void an_address_that_others_reach_is_refused(String host) throws Exception {
        String said = refused("""
                admin { host = "%s", port = 0 }
                databases { main { url = "jdbc:postgresql://localhost/shop" } }
                """.formatted(host));

        assertThat(said)
                .contains("orchestrator.conf: 1: admin.host", "there are no tokens")
                .doesNotContain("Exception");
    }

    @Test
    void a_port_in_use_is_said_before_anything_is_begun() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String said = refused("""
                    admin.port = %d
                    databases { main { url = "%s" } }
                    """.formatted(taken.getLocalPort(), database.jdbcUrl()));

            assertThat(said)
                    .contains("127.0.0.1:" + taken.getLocalPort(), "in use", "admin.port")
                    .doesNotContain("Exception", "\tat ");
            assertThat(database.queryLong("SELECT count(*) FROM pg_namespace WHERE nspname = 'backfill'"))
                    .isZero();
        }
    }

    @Test
    void a_configuration_without_a_database_is_refused() throws Exception {
        assertThat(refused("admin.port = 0")).contains("no database is configured", "databases {");
    }

    /** What it said when it ended with the exit code for invalid input. */
    private String refused(String configuration) throws IOException, InterruptedException {
        Path file = Files.writeString(directory.resolve("orchestrator.conf"), configuration);
        try (BackfillProcess process = BackfillProcess.start("serve", "--config", file.toString())) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(2);
            return process.errors();
        }
    }
}
