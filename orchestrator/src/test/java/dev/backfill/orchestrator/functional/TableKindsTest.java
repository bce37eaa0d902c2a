package dev.backfill.orchestrator.functional;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every kind of table through slices, batches, a kill in mid-run, going on, and the check; partitioned ones are in
 * {@link PartitionedTablesTest}.
 */
class TableKindsTest {

    private static KilledRuns runs;

    @BeforeAll
    static void runAllAndKill(@TempDir Path directory) throws Exception {
        runs = KilledRuns.over(
                directory,
                List.of(TableShape.values()),
                "CREATE SCHEMA \"Odd Schema\"",
                "CREATE TABLE others (id int PRIMARY KEY)",
                "INSERT INTO others SELECT generate_series(1, 6000)",
                "CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.seen := NEW.seen + NEW.g; RETURN NEW; END'");
    }

    @AfterAll
    static void drop() throws Exception {
        runs.close();
    }

    @ParameterizedTest
    @EnumSource
    void it_comes_out_like_its_twin(TableShape shape) throws Exception {
        runs.assertLikeItsTwin(shape);
    }
}
