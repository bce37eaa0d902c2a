package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The time of day as a process sees it, which a test sets before it starts and while it runs; the clock that only measures
 * distances stays as it is. By libfaketime, from Debian's package {@code faketime}.
 */
public final class FakeClock {

    private static final Path LIBRARIES = Path.of("/usr/lib");

    private final Path directory;

    private FakeClock(Path directory) {
        this.directory = directory;
    }

    /** One that is kept in a directory, and so far ahead of the real one, or behind it. */
    public static FakeClock in(Path directory, Duration ahead) {
        FakeClock clock = new FakeClock(directory);
        clock.set(ahead);
        return clock;
    }

    /** Whether this machine has what it takes. */
    public static boolean isPossible() {
        return found().isPresent();
    }

    /** Sets it so far ahead of the real one, or behind it; it goes on from there. */
    public void set(Duration ahead) {
        try {
            Path part = directory.resolve("clock.part");
            Files.writeString(part, String.format(Locale.ROOT, "%+.3f%n", ahead.toMillis() / 1000.0));
            Files.move(part, file(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Has a JVM go by it. */
    public BackfillProcess.Builder of(BackfillProcess.Builder process) {
        // The last makes it leave waits alone that go by the monotonic clock; without it they end at once.
        return process.environment("LD_PRELOAD", library().toString())
                .environment("FAKETIME_TIMESTAMP_FILE", file().toString())
                .environment("FAKETIME_NO_CACHE", "1")
                .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .environment("FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }

    /** Has a server go by it. */
    void of(ProcessBuilder server) {
        server.environment().put("LD_PRELOAD", library().toString());
        server.environment().put("FAKETIME_TIMESTAMP_FILE", file().toString());
        server.environment().put("FAKETIME_NO_CACHE", "1");
        server.environment().put("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    private Path file() {
        return directory.resolve("clock");
    }

    private static Path library() {
        return found().orElseThrow(
                        () -> new AssertionError("there is no libfaketime: install Debian's package faketime"));
    }

    private static Optional<Path> found() {
        try (Stream<Path> machines = Files.list(LIBRARIES)) {
            return machines.map(machine -> machine.resolve("faketime").resolve("libfaketime.so.1"))
                    .filter(Files::exists)
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
