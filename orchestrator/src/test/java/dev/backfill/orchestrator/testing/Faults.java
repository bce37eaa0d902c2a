package dev.backfill.orchestrator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;

/** Counts the faults that tests make, over all processes of a build. */
public final class Faults {

    /** What goes wrong. */
    public enum Kind {
        /** A daemon is killed. */
        KILL,
        /** One of several daemons is killed, stopped, or restarted. */
        SEVERAL_DAEMONS,
        /** The server crashes, is restarted or replaced, or ends a session. */
        SERVER,
        /** The network loses, delays or cuts. */
        NETWORK,
        /** The pooler between is killed, or a daemon behind it stands still. */
        POOLER,
        /** Somebody locks or alters the table. */
        LOCKS,
        /** No connection, no disk, no memory, a wrong clock. */
        RESOURCES,
        /** Rows that cannot be processed. */
        BAD_DATA
    }

    /**
     * A fault that was made.
     *
     * @param kind what went wrong
     * @param at when
     */
    public record Made(Kind kind, Instant at) {}

    private static final Path DIRECTORY = Path.of(System.getProperty("basedir", ""), "target", "faults");
    private static final String BUILD = System.getProperty("faults.build", "");

    private Faults() {}

    /** Notes that a test has just made one, and has seen that it hit. */
    public static void made(Kind kind) {
        try {
            Files.createDirectories(DIRECTORY);
            Files.writeString(
                    file(),
                    kind + " " + Instant.now().toEpochMilli() + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All that were made in this build until now. */
    public static List<Made> all() throws IOException {
        return Files.readAllLines(file()).stream()
                .map(line -> line.split(" ", 2))
                .map(words -> new Made(Kind.valueOf(words[0]), Instant.ofEpochMilli(Long.parseLong(words[1]))))
                .toList();
    }

    private static Path file() {
        return DIRECTORY.resolve("build-" + BUILD.replaceAll("\\W", "") + ".txt");
    }
}
