package dev.backfill.orchestrator.bench;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an application does, at a rate or as fast as it can: {@code pgbench}, or the same over JDBC where that is not
 * installed. Times are taken from when a transaction was due, so that who has to wait does not count less for it.
 */
public final class Foreground {

    private static final Path PGBENCH = Path.of("/usr/lib/postgresql/15/bin/pgbench");
    private static final int CLIENTS = 16;
    private static final int TIME = 2;

    private final Path directory;
    private final TestDatabase database;
    private final Script script;

    /**
     * A transaction.
     *
     * @param statements with {@code :id} for an id at random
     * @param ids the largest id
     */
    public record Script(List<String> statements, long ids) {
        /** Copies the list. */
        public Script {
            statements = List.copyOf(statements);
        }
    }

    /** On a database; the directory is for what it writes. */
    public Foreground(Path directory, TestDatabase database, Script script) {
        this.directory = directory;
        this.database = database;
        this.script = script;
    }

    /** Whether it is {@code pgbench}. */
    public static boolean isPgbench() {
        return Files.isExecutable(PGBENCH);
    }

    /** Goes on for so many seconds; a rate of 0 is as fast as it can. Answers the milliseconds of each transaction. */
    public List<Double> run(int seconds, double rate) throws IOException, SQLException, InterruptedException {
        return isPgbench() ? pgbench(seconds, rate) : new JdbcForeground(database, script, CLIENTS).run(seconds, rate);
    }

    private List<Double> pgbench(int seconds, double rate) throws IOException, InterruptedException {
        Path own = Files.createTempDirectory(directory, "pgbench");
        String text = "\\set id random(1, " + script.ids() + ")\n" + String.join(";\n", script.statements()) + ";\n";
        Path file = Files.writeString(own.resolve("script.sql"), text);
        List<String> command =
                new ArrayList<>(List.of(PGBENCH.toString(), "-n", "-M", "prepared", "-f", file.toString()));
        command.addAll(List.of("-c", Integer.toString(CLIENTS), "-j", "1", "-T", Integer.toString(seconds)));
        command.addAll(List.of("--log", "--log-prefix=" + own.resolve("log"), "-h", "127.0.0.1", "-U", "postgres"));
        command.addAll(List.of("-p", Integer.toString(database.server().port())));
        if (rate > 0) {
            command.add("--rate=" + rate);
        }
        command.add(database.name());
        Path output = own.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.to(output.toFile()))
                .start();
        try {
            if (process.waitFor() != 0) {
                throw new IOException("pgbench failed: " + Files.readString(output));
            }
        } finally {
            process.destroy();
        }
        return latencies(own);
    }

    private static List<Double> latencies(Path directory) throws IOException {
        List<Double> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path log : files.filter(f -> f.getFileName().toString().startsWith("log"))
                    .toList()) {
                for (String line : Files.readAllLines(log)) {
                    found.add(Double.parseDouble(line.split(" ", -1)[TIME]) / 1_000);
                }
                Files.delete(log);
            }
        }
        return found;
    }
}
