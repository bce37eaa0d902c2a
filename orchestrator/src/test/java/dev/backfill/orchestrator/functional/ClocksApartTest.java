package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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
    @CsvSource({"+90s, true", "+90s, false", "-90s, true", "-90s, false"})
    void each_planned_time_has_one_run(String offset, boolean registeredOverTheWrongOne) throws Exception {
        try (Ticks ticks = Ticks.create();
                Daemon wrong = ticks.start(directory.resolve("wrong"), process -> apart(process, offset));
                Daemon right = ticks.start(directory.resolve("right"))) {
            assertThat(Duration.between(said(wrong), said(right)).abs()).isGreaterThan(Duration.ofSeconds(60));

            Ticks.register(registeredOverTheWrongOne ? wrong : right, Ticks.EVERY_PERIOD, Duration.ZERO);

            ticks.assertEachPeriodHasOneRun(STARTS);
            assertThat(ticks.planned().get(0)).isBefore(ticks.now());
        }
    }

    private static BackfillProcess.Builder apart(BackfillProcess.Builder process, String offset) {
        // The last makes it leave waits alone that go by the monotonic clock; without it they end at once.
        return process.environment("LD_PRELOAD", library().toString())
                .environment("FAKETIME", offset)
                .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .environment("FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }

    private static Path library() {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(Path.of("/usr/lib"))) {
            for (Path directory : found) {
                Path library = directory.resolve("faketime/libfaketime.so.1");
                if (Files.exists(library)) {
                    return library;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("there is no libfaketime: install Debian's package faketime");
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
