package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a terminal says of the time left: the same as the admin API. */
class TimeLeftTest {

    private static final Pattern LINE =
            Pattern.compile("([0-9,]+) of about ([0-9,]+) rows.*, ETA \\S+ \\(\\S+ to \\S+\\)");
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
                        .atMost(Duration.ofSeconds(15))
                        .until(() -> LINE.matcher(process.errors()).find());

                Matcher line = LINE.matcher(process.errors());
                assertThat(line.find()).isTrue();
                assertThat(number(line.group(1))).as("rows gone over").isBetween(100, 1_500);
                assertThat(number(line.group(2))).as("rows in all").isBetween(ROWS * 9 / 10, ROWS * 11 / 10);
            }
        }
    }

    private static int number(String text) {
        return Integer.parseInt(text.replace(",", ""));
    }
}
