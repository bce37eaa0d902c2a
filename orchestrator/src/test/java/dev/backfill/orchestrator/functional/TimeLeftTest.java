package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a terminal says of the time left: the same as the admin API. */
class TimeLeftTest {

    private static final Pattern LINE =
            Pattern.compile("([0-9,]+) of about ([0-9,]+) rows.*, ETA \\S+ \\(\\S+ to \\S+\\)");
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int ROWS = 4_000;

    @TempDir
    private Path directory;

    @Test
    void a_run_over_more_rows_than_the_planner_expects_goes_by_its_keys() throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase()) {
            PacedTable table = PacedTable.create(database, "fill", ROWS, Duration.ofMillis(100));
            database.execute(
                    "ALTER TABLE fill SET (autovacuum_enabled = false)",
                    "UPDATE pg_class SET reltuples = 50 WHERE oid = 'fill'::regclass");
            Path job = CountedTable.write(directory, table.job());
            try (BackfillProcess process =
                    BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
                await().dontCatchUncaughtExceptions()
                        .atMost(PATIENCE)
                        .until(() -> inTheMidst(process).isPresent());

                assertThat(number(inTheMidst(process).orElseThrow(), 2))
                        .as("rows in all")
                        .isBetween(ROWS * 9 / 10, ROWS * 11 / 10);
            }
        }
    }

    /** A line of the time when a tenth is done, which is when the keys are believed, and far from all. */
    private static Optional<MatchResult> inTheMidst(BackfillProcess process) {
        return LINE.matcher(process.errors())
                .results()
                .filter(line -> number(line, 1) > ROWS / 10 && number(line, 1) < ROWS * 3 / 4)
                .findFirst();
    }

    private static int number(MatchResult line, int group) {
        return Integer.parseInt(line.group(group).replace(",", ""));
    }
}
