package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.OwnServer;
import dev.backfill.orchestrator.testing.ReplayLimit;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sessions that look at a server stand still, as behind a network that is gone: they hold up no worker, and hold in time. */
class StalledProbesTest {

    private static final String MONITORS =
            "SELECT CAST(pid AS text) FROM pg_stat_activity WHERE application_name = 'backfill monitor'";
    private static final List<String> UNSEEN = Stream.of("replication-lag", "lock-waits", "lock-storm")
            .map(signal -> "backfill_signal_up{database=\"main\",signal=\"" + signal + "\",source=\"\"} 0.0")
            .toList();
    private static final Duration BATCH = Duration.ofMillis(20);
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    @Test
    void no_worker_waits_for_a_probe_and_what_was_read_too_long_ago_holds() throws Exception {
        Path servers = directory.resolve("server");
        try (OwnServer server = OwnServer.start(servers);
                TestDatabase database = server.postgres().newDatabase();
                Connection looking = database.connect()) {
            PacedTable table = PacedTable.create(database, "fill", 100_000, BATCH);
            try (Daemon daemon = Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()))) {
                daemon.register("fill", table.job());
                await().atMost(SOON).until(() -> table.batches() > 20);
                List<String> stopped = new ArrayList<>(database.queryStrings(MONITORS));
                assertThat(stopped).hasSizeGreaterThanOrEqualTo(3);
                stopped.add(Long.toString(ReplayLimit.postmaster(servers.resolve("data")))); // nobody connects anew
                signal("STOP", stopped);
                try {
                    long before = batches(looking);
                    Thread.sleep(2_000);
                    assertThat(batches(looking) - before)
                            .as("batches of 20 ms in two seconds, while every probe hangs")
                            .isGreaterThan(20);

                    await().atMost(SOON).until(() -> !reason(daemon).isEmpty());
                    await().atMost(SOON)
                            .until(daemon::metrics, page -> UNSEEN.stream().allMatch(page::contains));
                    long held = batches(looking);
                    Thread.sleep(1_000);
                    assertThat(batches(looking)).isEqualTo(held);
                } finally {
                    signal("CONT", stopped);
                }
                await().atMost(SOON).until(() -> reason(daemon).isEmpty());
                long after = table.batches();
                await().atMost(SOON).until(() -> table.batches() > after + 20);
                daemon.say("cancel", "fill");
            }
        }
    }

    private static void signal(String name, List<String> pids) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("kill", "-" + name));
        command.addAll(pids);
        new ProcessBuilder(command).redirectError(Redirect.DISCARD).start().waitFor(); // some may be gone
    }

    private static long batches(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT sum(batches) FROM backfill.slice")) {
            row.next();
            return row.getLong(1);
        }
    }

    private static String reason(Daemon daemon) {
        return daemon.run("fill").path("hold").path("reason").asString("");
    }
}
