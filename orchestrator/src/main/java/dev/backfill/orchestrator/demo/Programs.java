package dev.backfill.orchestrator.demo;

import dev.backfill.orchestrator.timing.Stop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Runs the programs of PostgreSQL, which refuse to be root: as root, in the place of somebody else. */
final class Programs {

    private static final Duration LOOK = Duration.ofMillis(10);

    /** A program that was ended by Ctrl-C may be noticed before Ctrl-C itself is. */
    private static final Duration UNTIL_HEARD = Duration.ofMillis(500);

    private static final List<String> UNNAMED = List.of("unshare", "-U");
    private static final List<String> NOBODY = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rw-------");

    private final Path directory;
    private final Stop stop;
    private final List<String> prefix = new ArrayList<>();

    private Programs(Path directory, Stop stop) {
        this.directory = directory;
        this.stop = stop;
    }

    /**
     * Unpacks the programs and finds out how to run them.
     *
     * @throws InterruptedIOException when asked to stop
     */
    static Programs in(Path directory, Stop stop) throws IOException {
        Programs programs = new Programs(directory, stop);
        Binaries.unpack(directory, stop);
        if (Files.getAttribute(directory, "unix:uid").equals(0)) {
            programs.leaveRoot();
        }
        return programs;
    }

    /** Where everything is. */
    Path directory() {
        return directory;
    }

    /**
     * Runs a program of PostgreSQL to its end.
     *
     * @throws InterruptedIOException when asked to stop
     * @throws IOException when it fails, with the last lines of its log
     */
    void run(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.add(directory.resolve("bin").resolve(name).toString());
        command.addAll(List.of(arguments));
        require(command);
    }

    /** Copies a directory, so that it belongs to whom the servers run as. */
    void copy(Path from, Path to) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of("cp", "-R", from.toString(), to.toString()));
        require(command);
    }

    /** Writes a file that belongs to whom the servers run as, and that nobody else may read. */
    void write(Path file, String content) throws IOException {
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PRIVATE);
        Files.setOwner(file, Files.getOwner(directory));
    }

    /** Throws when asked to stop. */
    static void goOnUnless(Stop stop) throws InterruptedIOException {
        if (stop.isRequested()) {
            throw new InterruptedIOException("interrupted");
        }
    }

    private void leaveRoot() throws IOException {
        if (works(UNNAMED)) {
            prefix.addAll(UNNAMED);
        } else if (works(NOBODY)) {
            prefix.addAll(NOBODY);
            require(List.of("chown", "-R", "65534:65534", directory.toString()));
        } else {
            throw new IOException(
                    "PostgreSQL refuses to run as root, and neither `unshare -U` nor `setpriv` works here;"
                            + " call the demo as another user");
        }
    }

    private boolean works(List<String> way) throws IOException {
        List<String> command = new ArrayList<>(way);
        command.add("true");
        try {
            return exit(command) == 0;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    private void require(List<String> command) throws IOException {
        int exit = exit(command);
        if (exit != 0) {
            stop.sleep(UNTIL_HEARD);
            goOnUnless(stop);
            String name = Path.of(command.get(command.size() > prefix.size() ? prefix.size() : 0))
                    .getFileName()
                    .toString();
            throw new IOException(name + " ended with exit code " + exit + ":\n" + lastWords());
        }
    }

    private int exit(List<String> command) throws IOException {
        goOnUnless(stop);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log().toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        while (process.isAlive()) {
            if (stop.sleep(LOOK)) {
                process.destroyForcibly();
                goOnUnless(stop);
            }
        }
        return process.exitValue();
    }

    private Path log() {
        return directory.resolve("programs.log");
    }

    private String lastWords() throws IOException {
        List<String> lines = Files.readAllLines(log());
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 12), lines.size()));
    }
}
