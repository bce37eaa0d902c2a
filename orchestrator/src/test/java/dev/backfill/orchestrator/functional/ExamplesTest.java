package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import com.example.backfill.Pseudonyms;
import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.PluginJar;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The job files that users are shown. */
class ExamplesTest {

    private static final Path EXAMPLES = Path.of("..", "examples");
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            orders-total-cents.yaml | SELECT count(*) FROM orders WHERE total_cents IS DISTINCT FROM total * 100
            expired-sessions.yaml   | SELECT count(*) FROM sessions WHERE expired
            order-totals.yaml       | SELECT count(*) FROM orders o LEFT JOIN order_totals t ON t.order_id = o.id WHERE t.cents IS DISTINCT FROM o.total * 100
            """)
    void an_example_brings_its_table_through(String file, String wrongRows) throws Exception {
        try (TestDatabase database = TestPostgres.version(18).newDatabase()) {
            database.execute(Files.readString(EXAMPLES.resolve("tables.sql")));
            assertThat(database.queryLong(wrongRows)).isPositive();

            String job = EXAMPLES.resolve(file).toString();
            succeed("validate", job, "--database", database.jdbcUrl());
            succeed("run", job, "--database", database.jdbcUrl());

            assertThat(database.queryLong(wrongRows)).isZero();
            assertThat(database.queryStrings("SELECT state FROM backfill.run")).containsExactly("SUCCEEDED");
            assertThat(database.queryLong("SELECT remaining FROM backfill.proof"))
                    .isZero();
        }
    }

    @Test
    void the_example_of_a_processor_does_what_it_says() throws Exception {
        PluginJar.write(directory.resolve("plugins/pseudonyms.jar"), Pseudonyms.class);
        Path key = Files.writeString(directory.resolve("key"), "0123456789abcdef");
        String job = Files.readString(EXAMPLES.resolve("customer-pseudonyms.yaml"))
                .replace("/etc/backfill/pseudonym.key", key.toString());
        try (TestDatabase database = TestPostgres.version(18).newDatabase()) {
            database.execute(Files.readString(EXAMPLES.resolve("tables.sql")), "CREATE EXTENSION pgcrypto");
            Path config = Files.writeString(
                    directory.resolve("orchestrator.conf"),
                    "plugins = plugins\ndatabases.main.url = \"" + database.jdbcUrl() + "\"\n");
            Path file = Files.writeString(directory.resolve("job.yaml"), job);

            succeed("run", file.toString(), "--config", config.toString());

            assertThat(database.queryLong("SELECT count(*) FROM customers WHERE pseudonym IS DISTINCT FROM"
                            + " encode(hmac(lower(trim(email)), '0123456789abcdef', 'sha256'), 'hex')"))
                    .isZero();
        }
    }

    @Test
    void every_example_is_tried() throws Exception {
        try (Stream<Path> files = Files.list(EXAMPLES)) {
            assertThat(files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".yaml")))
                    .containsExactlyInAnyOrder(
                            "orders-total-cents.yaml",
                            "expired-sessions.yaml",
                            "order-totals.yaml",
                            "customer-pseudonyms.yaml");
        }
    }

    private static void succeed(String... arguments) throws Exception {
        try (BackfillProcess process = BackfillProcess.start(arguments)) {
            assertThat(process.waitFor(PATIENCE)).as(process::toString).isZero();
        }
    }
}
