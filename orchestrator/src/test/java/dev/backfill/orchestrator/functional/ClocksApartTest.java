package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.FakeClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Planned starts go by the database's clock, whatever the clocks of the daemons say. Takes two minutes. */
@EnabledOnOs(OS.LINUX)
class ClocksApartTest {

    private static final int STARTS = 5;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"90, true", "-90, false"})
    void each_planned_time_has_one_run(long ahead, boolean registeredOverTheWrongOne) throws Exception {
        oneRunEach(ahead, registeredOverTheWrongOne);
    }

    @Tag("storm")
    @ParameterizedTest
    @CsvSource({"90, false", "-90, true"})
    void the_same_registered_over_the_other(long ahead, boolean registeredOverTheWrongOne) throws Exception {
        oneRunEach(ahead, registeredOverTheWrongOne);
    }

    private void oneRunEach(long ahead, boolean registeredOverTheWrongOne) throws Exception {
        FakeClock clock = FakeClock.in(directory, Duration.ofSeconds(ahead));
        try (Ticks ticks = Ticks.create();
                Daemon wrong = ticks.start(directory.resolve("wrong"), clock::of);
                Daemon right = ticks.start(directory.resolve("right"))) {
            assertThat(Duration.between(said(wrong), said(right)).abs()).isGreaterThan(Duration.ofSeconds(60));

            Ticks.register(registeredOverTheWrongOne ? wrong : right, Ticks.EVERY_PERIOD, Duration.ZERO);

            ticks.assertEachPeriodHasOneRun(STARTS);
            assertThat(ticks.planned().get(0)).isBefore(ticks.now());
        }
    }

    /** The time by its own clock at which a daemon said that it serves. */
    private static Instant said(Daemon daemon) {
        String line = daemon.process()
                .errors()
                .lines()
                .filter(text -> text.contains("daemon serves"))
                .findFirst()
                .orElseThrow();
        return Instant.parse(line.substring(0, line.indexOf(' ')));
    }
}
