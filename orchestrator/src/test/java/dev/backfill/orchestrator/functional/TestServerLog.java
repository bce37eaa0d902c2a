package dev.backfill.orchestrator.functional;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the newest server wrote. */
final class TestServerLog {

    private TestServerLog() {}

    static String newest() throws IOException {
        return Files.readString(Path.of(System.getProperty("basedir", ""), "target", "postgres", "18.log"));
    }
}
