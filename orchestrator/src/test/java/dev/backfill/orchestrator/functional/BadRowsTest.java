package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.Faults;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Six kinds of bad data in rows at random places of a table, each kind as often, while others write. */
@Tag("fault")
class BadRowsTest {

    private static final Duration PATIENCE = Duration.ofMinutes(10);

    @TempDir
    private Path directory;

    @Test
    void exactly_those_are_set_aside_and_all_others_changed_once() throws Exception {
        convert(30_000, 60);
    }

    /** {@code -Drows=} and {@code -Dbad=} set how many. */
    @Tag("storm")
    @Test
    void exactly_those_are_set_aside_of_a_million() throws Exception {
        convert(Integer.getInteger("rows", 1_000_000), Integer.getInteger("bad", 300));
    }

    private void convert(int rows, int bad) throws Exception {
        try (TestDatabase database = TestPostgres.newest().newDatabase();
                Oracle oracle = Oracle.create(database, rows)) {
            SpoiledOracle spoiled = SpoiledOracle.of(oracle, database, bad);
            Path job = CountedTable.write(
                    directory, spoiled.yaml(1_000, Duration.ZERO).replaceFirst("(?m)^batch: .*\n", ""));

            long begun = System.nanoTime();
            try (BackfillProcess process =
                    BackfillProcess.start("run", job.toString(), "--database", database.jdbcUrl())) {
                await().atMost(PATIENCE).until(() -> !process.isAlive() || setAside(oracle, database) > bad / 2);
                oracle.faultIsOver();
                assertThat(process.waitFor(PATIENCE)).as(process::toString).isEqualTo(1);
            }
            System.out.printf("%d rows, %d of them bad: %s%n", rows, bad, Duration.ofNanos(System.nanoTime() - begun));
            spoiled.assertSetAside();
            for (int kind = 0; kind < SpoiledOracle.KINDS; kind++) {
                Faults.made(Faults.Kind.BAD_DATA);
            }
        }
    }

    private static long setAside(Oracle oracle, TestDatabase database) throws Exception {
        return oracle.batches() == 0 ? 0 : database.queryLong("SELECT count(*) FROM backfill.quarantine");
    }
}
