package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL's own {@code pg_receivewal} beside a run, where Debian's package of version 15 or later is installed, on the oldest server. */
class ReceiverTest {

    private static final int ROWS = 20_000;
    private static final String RECEIVERS =
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NULL";

    @TempDir
    private Path directory;

    @Test
    void what_only_receives_neither_holds_a_run_nor_is_expected() throws Exception {
        Optional<Path> program = program();
        assumeTrue(program.isPresent(), "there is no pg_receivewal: install postgresql-client-15");
        try (TestDatabase database = TestPostgres.version(14).newDatabase()) {
            CountedTable table = CountedTable.create(database, ROWS);
            Process receiver = new ProcessBuilder(
                            program.orElseThrow().toString(),
                            "--directory=" + Files.createDirectory(directory.resolve("wal")),
                            "--dbname=host=127.0.0.1 user=postgres port="
                                    + database.server().port())
                    .inheritIO()
                    .start();
            try (Daemon daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl()))) {
                await().atMost(Duration.ofSeconds(20)).until(() -> database.queryLong(RECEIVERS) == 1);
                Thread.sleep(6_000);
                Path job = CounterJob.by(Counters.Order.ID)
                        .statement("UPDATE c SET n = n + 1 WHERE :range AND (SELECT pg_sleep(0.04)) IS NOT NULL")
                        .parallelism(1)
                        .largestBatch(100)
                        .in(directory);
                daemon.put("/api/v1/jobs/count", Files.readString(job));
                daemon.awaitState("count", "SUCCEEDED");

                assertThat(database.queryLong(RECEIVERS)).isOne();
                assertThat(daemon.metrics())
                        .contains("signal=\"replication-lag\",source=\"pg_receivewal at 127.0.0.1\"")
                        .doesNotContainPattern("backfill_hold_seconds_total\\{.*reason=\"(standby|replication)");
                assertThat(database.queryLong("SELECT count(*) FROM backfill.standby"))
                        .isZero();
            } finally {
                receiver.destroy();
                receiver.waitFor();
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    /** One that is older than the server is refused. */
    private static Optional<Path> program() throws IOException {
        Path versions = Path.of("/usr/lib/postgresql");
        if (!Files.isDirectory(versions)) {
            return Optional.empty();
        }
        try (Stream<Path> all = Files.list(versions)) {
            return all.filter(version -> version.getFileName().toString().compareTo("15") >= 0)
                    .map(version -> version.resolve("bin/pg_receivewal"))
                    .filter(Files::isExecutable)
                    .findFirst();
        }
    }
}
