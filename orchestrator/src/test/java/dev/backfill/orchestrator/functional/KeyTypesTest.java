package dev.backfill.orchestrator.functional;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every kind of key through slices, batches, a kill in mid-run, going on, and the check. */
class KeyTypesTest {

    private static KilledRuns runs;

    @BeforeAll
    static void runAllAndKill(@TempDir Path directory) throws Exception {
        runs = KilledRuns.over(directory, List.of(KeyShape.values()), KeyShape.BEFORE);
    }

    @AfterAll
    static void drop() throws Exception {
        runs.close();
    }

    @ParameterizedTest
    @EnumSource
    void it_comes_out_like_its_twin(KeyShape shape) throws Exception {
        runs.assertLikeItsTwin(shape);
    }
}
