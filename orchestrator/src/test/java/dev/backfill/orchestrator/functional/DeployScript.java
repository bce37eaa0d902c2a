package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The scripts of deploy/, run by psql as the superuser. */
final class DeployScript {

    private static final Path SCRIPTS = Path.of("..", "deploy");

    private DeployScript() {}

    /** What psql says to a script; twice, for running it again changes nothing. */
    static String run(TestDatabase database, String script, String... variables) throws Exception {
        List<String> command = new ArrayList<>(List.of(program().toString(), "-X", "-q"));
        command.addAll(List.of("-d", database.jdbcUrl().replace("jdbc:", "").replaceFirst("[&?]sslmode.*", "")));
        for (String variable : variables) {
            command.addAll(List.of("-v", variable));
        }
        command.addAll(List.of("-f", SCRIPTS.resolve(script).toString()));
        String said = "";
        for (int i = 0; i < 2; i++) {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(said).isZero();
        }
        return said;
    }

    private static Path program() throws IOException {
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            return versions.map(version -> version.resolve("bin/psql"))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("there is no psql: install postgresql-client-15"));
        }
    }
}
