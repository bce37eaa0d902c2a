package dev.backfill.orchestrator.functional;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.backfill.orchestrator.cli.Commands;
import dev.backfill.orchestrator.testing.BackfillProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;

/**
 * What a command said and how it ended.
 *
 * @param exit its exit code
 * @param text what it wrote, to its output and its errors
 */
record CommandResult(int exit, String text) {

    /** Carries out a command line in a process of its own, which ends within this time. */
    static CommandResult ofProcess(Duration atMost, String... arguments) throws IOException, InterruptedException {
        try (BackfillProcess process = BackfillProcess.start(arguments)) {
            int exit = process.waitFor(atMost);
            return new CommandResult(exit, process.output() + process.errors());
        }
    }

    /** Carries out a command line in this JVM. */
    static CommandResult of(String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        try (PrintStream both = new PrintStream(written, true, UTF_8)) {
            System.setOut(both);
            System.setErr(both);
            int exit = Commands.execute(arguments);
            return new CommandResult(exit, written.toString(UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }
}
