package dev.backfill.orchestrator.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchdogTest {

    @TempDir
    private Path parent;

    @Test
    void the_directory_goes_with_what_was_started_from_it() throws Exception {
        Process started;
        Path directory;
        try (Watchdog watchdog = Watchdog.in(parent)) {
            directory = watchdog.directory();
            assertThat(directory).isDirectory().hasParent(parent);
            Path program = Files.copy(Path.of("/bin/sleep"), directory.resolve("sleep"));
            started = new ProcessBuilder(program.toString(), "600").start();
            assertThat(started.waitFor(100, TimeUnit.MILLISECONDS)).isFalse();
        }

        assertThat(directory).doesNotExist();
        assertThat(started.waitFor(1, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void a_process_of_another_directory_stays() throws Exception {
        Process other = new ProcessBuilder("/bin/sleep", "600")
                .directory(parent.toFile())
                .start();
        try {
            Watchdog.in(parent).close();

            assertThat(other.isAlive()).isTrue();
        } finally {
            other.destroyForcibly();
        }
    }
}
