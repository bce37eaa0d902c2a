package dev.backfill.orchestrator.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The real program in a process of its own. Closing it ends that process, whatever state it is in. */
public final class BackfillProcess implements AutoCloseable {

    private static final Duration END_PATIENCE = Duration.ofSeconds(10);

    private final Process process;
    private final Gatherer output;
    private final Gatherer errors;

    private BackfillProcess(Process process) {
        this.process = process;
        this.output = Gatherer.of(process.getInputStream());
        this.errors = Gatherer.of(process.getErrorStream());
    }

    /** Starts the program with these arguments. */
    public static BackfillProcess start(String... arguments) throws IOException {
        return builder(arguments).start();
    }

    /** Prepares a start with these arguments. */
    public static Builder builder(String... arguments) {
        return new Builder(List.of(arguments));
    }

    static BackfillProcess of(ProcessBuilder builder) throws IOException {
        return new BackfillProcess(builder.start());
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it wrote to its standard output until now. */
    public String output() {
        return output.text();
    }

    /** What it wrote to its standard error until now. */
    public String errors() {
        return errors.text();
    }

    /**
     * Waits for its end.
     *
     * @return its exit code; 128 and the signal's number when a signal ended it
     */
    public int waitFor(Duration atMost) throws InterruptedException {
        if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("still running after " + atMost + this);
        }
        output.awaitEnd();
        errors.awaitEnd();
        return process.exitValue();
    }

    /** Ends it at once, without any chance to clean up. */
    public void kill9() throws IOException, InterruptedException {
        signal("KILL");
    }

    /** Makes it stand still, as a long pause of its machine does. */
    public void sigstop() throws IOException, InterruptedException {
        signal("STOP");
    }

    /** Lets it go on after {@link #sigstop()}. */
    public void sigcont() throws IOException, InterruptedException {
        signal("CONT");
    }

    /** Asks it to end, as an orderly shutdown does. */
    public void sigterm() throws IOException, InterruptedException {
        signal("TERM");
    }

    /** Asks it to end, as Ctrl-C does. */
    public void sigint() throws IOException, InterruptedException {
        signal("INT");
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(END_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What it wrote, for messages of failed assertions. */
    @Override
    public String toString() {
        return "\n--- output\n" + output() + "\n--- errors\n" + errors() + "\n---";
    }

    private void signal(String name) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("/bin/kill", "-" + name, Long.toString(pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
            throw new AssertionError("no SIG" + name + " for a process that has ended" + this);
        }
    }

    /** How the program is started. */
    public static final class Builder {

        private final List<String> arguments;
        private final List<String> options = new ArrayList<>();
        private final Map<String, String> environment = new HashMap<>();
        private Path directory = Path.of("").toAbsolutePath();

        private Builder(List<String> arguments) {
            this.arguments = arguments;
        }

        /** Sets a variable of its environment. */
        public Builder environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** Sets a system property of its JVM. */
        public Builder property(String name, String value) {
            options.add("-D" + name + "=" + value);
            return this;
        }

        /** Gives its JVM an option, such as {@code -Xmx40m}. */
        public Builder option(String option) {
            options.add(option);
            return this;
        }

        /** Sets the directory that it runs in. */
        public Builder directory(Path newDirectory) {
            directory = newDirectory;
            return this;
        }

        public BackfillProcess start() throws IOException {
            ProcessBuilder builder = new ProcessBuilder(command()).directory(directory.toFile());
            builder.environment().keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("BACKFILL_"));
            builder.environment().putAll(environment);
            return of(builder);
        }

        private List<String> command() throws IOException {
            List<String> command = ProgramArchive.command(options);
            command.addAll(arguments);
            return command;
        }
    }

    /** Reads a stream to its end and keeps what it read. */
    private static final class Gatherer {

        private final StringBuilder text = new StringBuilder();
        private final Thread thread;

        private Gatherer(InputStream in) {
            this.thread = Threads.startDaemon("gatherer", () -> gather(in));
        }

        static Gatherer of(InputStream in) {
            return new Gatherer(in);
        }

        String text() {
            synchronized (text) {
                return text.toString();
            }
        }

        void awaitEnd() throws InterruptedException {
            thread.join(END_PATIENCE.toMillis());
        }

        private void gather(InputStream in) throws IOException {
            try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
                char[] some = new char[8192];
                for (int count = reader.read(some); count >= 0; count = reader.read(some)) {
                    synchronized (text) {
                        text.append(some, 0, count);
                    }
                }
            }
        }
    }
}
