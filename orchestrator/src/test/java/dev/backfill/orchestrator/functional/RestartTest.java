package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a daemon that is started again makes of the job files that it saw before. */
class RestartTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration LONG_ENOUGH_TO_READ_FILES = Duration.ofSeconds(3);
    private static final int ROWS = 200;

    @TempDir
    private Path directory;

    @Test
    void it_repeats_nothing_and_takes_in_what_was_edited_meanwhile() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            PacedTable finished = PacedTable.create(database, "finished", ROWS, Duration.ZERO);
            PacedTable unregistered = PacedTable.create(database, "unregistered", ROWS, Duration.ZERO);
            PacedTable edited = PacedTable.create(database, "edited", ROWS, Duration.ZERO);
            PacedTable replaced = PacedTable.create(database, "replaced", ROWS, Duration.ZERO);
            PacedTable interrupted = PacedTable.create(database, "interrupted", ROWS, Duration.ofMillis(400));
            PacedTable[] all = {finished, unregistered, edited, replaced, interrupted};
            try (Daemon daemon = Daemon.start(directory, database)) {
                for (PacedTable table : all) {
                    file(daemon, table.name(), table.job());
                }
                for (PacedTable table : new PacedTable[] {finished, unregistered, edited, replaced}) {
                    daemon.awaitState(table.name(), "SUCCEEDED");
                }
                assertThat(daemon.delete("/api/v1/jobs/unregistered").status()).isEqualTo(204);
                daemon.register("replaced", replaced.job("description: By request"));
                daemon.awaitState("interrupted", "RUNNING");
                daemon.process().sigterm();
                assertThat(daemon.process().waitFor(Duration.ofSeconds(6))).isZero();
                file(daemon, "edited", edited.job("description: Edited meanwhile"));
                file(
                        daemon,
                        "new",
                        PacedTable.create(database, "new", ROWS, Duration.ZERO).job());
            }
            interrupted.batchesLast(Duration.ZERO);
            try (Daemon daemon = Daemon.start(directory, database)) {
                daemon.awaitState("interrupted", "SUCCEEDED");
                daemon.awaitState("new", "SUCCEEDED");
                await().dontCatchUncaughtExceptions().atMost(PATIENCE).until(() -> revision(daemon, "edited") == 2);
                await().dontCatchUncaughtExceptions()
                        .during(LONG_ENOUGH_TO_READ_FILES)
                        .atMost(PATIENCE)
                        .until(() -> daemon.get("/api/v1/jobs/unregistered").status() == 404);
                assertThat(revision(daemon, "finished")).isOne();
                assertThat(revision(daemon, "replaced")).isEqualTo(2);
                assertThat(daemon.get("/api/v1/jobs/replaced")
                                .body()
                                .path("description")
                                .asString())
                        .as("the file that was not touched does not undo the request")
                        .isEqualTo("By request");
                assertThat(daemon.get("/api/v1/jobs/edited")
                                .body()
                                .path("description")
                                .asString())
                        .isEqualTo("Edited meanwhile");
            }
            assertThat(database.queryStrings(
                            "SELECT job || ' ' || count(*) FROM backfill.run GROUP BY job HAVING count(*) > 1"))
                    .as("jobs that ran again")
                    .isEmpty();
            for (PacedTable table : all) {
                table.assertEachRowWasChangedOnce();
            }
        }
    }

    private void file(Daemon daemon, String job, String content) throws Exception {
        daemon.jobFile(directory, job + ".yaml", content);
    }

    private static int revision(Daemon daemon, String job) {
        return daemon.get("/api/v1/jobs/" + job).body().path("revision").asInt(0);
    }
}
