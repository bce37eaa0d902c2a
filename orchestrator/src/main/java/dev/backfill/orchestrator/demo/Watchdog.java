package dev.backfill.orchestrator.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A directory that goes when this process goes, and with it every process that was started from it. A shell keeps it: it
 * sees the end of its standard input even after {@code kill -9} of this process.
 */
final class Watchdog implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final Process shell;
    private final Path directory;

    private Watchdog(Process shell, Path directory) {
        this.shell = shell;
        this.directory = directory;
    }

    /** Makes a directory below another. */
    static Watchdog in(Path parent) throws IOException {
        Process shell = new ProcessBuilder("/bin/sh", "-c", script(), "sh", parent.toString())
                .redirectError(Redirect.DISCARD)
                .start();
        BufferedReader said = new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
        String directory = said.readLine();
        if (directory == null) {
            throw new IOException("no directory can be made in " + parent
                    + "; name another one by BACKFILL_JAVA_OPTS=-Djava.io.tmpdir=DIRECTORY");
        }
        return new Watchdog(shell, Path.of(directory));
    }

    /** The directory; only its owner may look into it. */
    Path directory() {
        return directory;
    }

    /** Ends the processes and removes the directory; no longer there when this returns, unless something hangs. */
    @Override
    public void close() {
        try {
            shell.getOutputStream().close();
            shell.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (IOException e) {
            shell.destroy();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it goes on by itself
        }
    }

    private static String script() throws IOException {
        try (InputStream in = Watchdog.class.getResourceAsStream("watchdog.sh")) {
            if (in == null) {
                throw new IOException("watchdog.sh is not part of this build");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
