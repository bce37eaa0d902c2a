package dev.backfill.orchestrator;

import dev.backfill.orchestrator.cli.Commands;

/** The program. */
public final class Main {

    private Main() {}

    /**
     * Runs a command and ends the process with its exit code.
     *
     * @param arguments the command line
     */
    public static void main(String[] arguments) {
        System.exit(Commands.execute(arguments));
    }
}
