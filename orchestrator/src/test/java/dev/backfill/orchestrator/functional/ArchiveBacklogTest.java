package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A run gives way to files of WAL that wait for the archiver, by the limits that nobody has to set. */
class ArchiveBacklogTest {

    private static final String SIGNAL = "archive-backlog";

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void a_slow_archiver_slows_down_above_16_files_and_holds_above_64_until_8_are_left(int version) throws Exception {
        try (HeldArchive archive = HeldArchive.start(version, directory.resolve("server"))) {
            TestDatabase database = archive.database();
            PacedTable table = PacedTable.create(database, "fill", 12_000, Duration.ofMillis(50));
            archive.fillUntil(20);
            try (Daemon daemon = daemon(database)) {
                daemon.register("fill", table.job());
                soon().until(() -> table.batches() > 2);
                JsonNode slow =
                        daemon.get("/api/v1/databases").body().path("databases").path(0);
                double files = daemon.signal(SIGNAL).path("value").asDouble();
                assertThat(files).isBetween(20.0, 25.0);
                assertThat(daemon.signal(SIGNAL).path("verdict").asString()).isEqualTo("slow");
                assertThat(slow.path("pace").asDouble()).isCloseTo(1 - 0.9 * (files - 16) / 48, within(0.001));
                assertThat(daemon.heldBy("fill")).isEmpty();

                archive.fillUntil(65);
                daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals(SIGNAL));
                JsonNode hold = daemon.run("fill").path("hold");
                assertThat(hold.path("value").asDouble()).isGreaterThanOrEqualTo(65);
                assertThat(hold.path("limit").asDouble()).isEqualTo(64);
                assertThat(hold.path("detail").asString())
                        .matches("\\d+ files of WAL wait for the archiver; allowed are 64");

                soon().until(() -> archive.passUntil(9));
                soon().until(() -> daemon.signal(SIGNAL).path("value").asDouble() <= 9);
                long held = table.batches();
                await().during(Duration.ofSeconds(2))
                        .atMost(Duration.ofSeconds(10))
                        .until(() -> daemon.heldBy("fill").equals(SIGNAL) && table.batches() == held);

                soon().until(() -> archive.passUntil(8) && table.batches() > held);
                table.batchesLast(Duration.ZERO);
                daemon.awaitState("fill", "SUCCEEDED");
                assertThat(archive.waiting()).hasSizeGreaterThanOrEqualTo(8);
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void an_archiver_that_fails_holds_however_few_files_wait_until_it_is_mended(int version) throws Exception {
        try (HeldArchive archive = HeldArchive.start(version, directory.resolve("server"))) {
            TestDatabase database = archive.database();
            PacedTable table = PacedTable.create(database, "fill", 400, Duration.ZERO);
            archive.open();
            archive.breaks();
            archive.fillUntil(1);
            soon().until(() -> database.queryLong("SELECT failed_count FROM pg_stat_archiver") > 0);
            String failed = database.queryStrings("SELECT last_failed_wal FROM pg_stat_archiver")
                    .get(0);
            try (Daemon daemon = daemon(database)) {
                daemon.register("fill", table.job());
                daemon.awaitRun("fill", run -> daemon.heldBy("fill").equals(SIGNAL));
                JsonNode hold = daemon.run("fill").path("hold");
                assertThat(hold.path("detail").asString())
                        .startsWith("the archiver fails since ")
                        .endsWith(" at " + failed);
                assertThat(hold.path("value").asDouble()).isLessThan(8);
                assertThat(table.batches()).isZero();

                archive.isMended();
                database.execute("SELECT pg_logical_emit_message(false, '', 'x')", "SELECT pg_switch_wal()");
                daemon.awaitState("fill", "SUCCEEDED");
            }
            table.assertEachRowWasChangedOnce();
        }
    }

    private Daemon daemon(TestDatabase database) throws Exception {
        return Daemon.start(directory.resolve("daemon"), Map.of("main", database.jdbcUrl()));
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(100));
    }
}
