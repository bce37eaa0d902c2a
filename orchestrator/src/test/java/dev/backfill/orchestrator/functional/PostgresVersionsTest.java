package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.testing.TestRole;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each kind of work on each supported PostgreSQL, as an ordinary role with the rights that the manual asks for. */
class PostgresVersionsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String UPDATE = "update: { set: { cents: total * 100 }, where: cents IS NULL }";
    private static final String DELETE = "delete: { where: total % 2 = 0 }";
    private static final String SQL =
            "sql: \"UPDATE orders SET cents = total * 100 WHERE :range\"\nverify: { remaining: cents IS NULL }";

    @TempDir
    private Path directory;

    static IntStream versions() {
        return TestPostgres.versions();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void an_update(int version) throws Exception {
        try (TestDatabase database = database(TestPostgres.version(version))) {
            TestRole role = role(database, "SELECT, UPDATE");
            run(database, role, UPDATE);
            assertThat(database.queryLong("SELECT count(*) FROM orders WHERE cents = total * 100"))
                    .isEqualTo(2500);
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_delete(int version) throws Exception {
        try (TestDatabase database = database(TestPostgres.version(version))) {
            TestRole role = role(database, "SELECT, DELETE");
            run(database, role, DELETE);
            assertThat(database.queryLong("SELECT count(*) FROM orders")).isEqualTo(1250);
        }
    }

    @ParameterizedTest
    @MethodSource("versions")
    void a_statement_of_the_users_own(int version) throws Exception {
        try (TestDatabase database = database(TestPostgres.version(version))) {
            TestRole role = role(database, "SELECT, UPDATE");
            run(database, role, SQL);
            assertThat(database.queryLong("SELECT count(*) FROM orders WHERE cents = total * 100"))
                    .isEqualTo(2500);
        }
    }

    @Test
    void with_a_password() throws Exception {
        try (TestDatabase database = database(TestPostgres.withPasswords())) {
            TestRole role = role(database, "SELECT, UPDATE");
            run(database, role, UPDATE);
            assertThat(database.queryLong("SELECT count(*) FROM orders WHERE cents = total * 100"))
                    .isEqualTo(2500);
        }
    }

    private void run(TestDatabase database, TestRole role, String work) throws Exception {
        Path job = CountedTable.write(directory, """
                version: 1
                job: orders-total-cents
                table: public.orders
                range: { by: id }
                parallelism: 2
                %s
                """.formatted(work));
        try (BackfillProcess process = BackfillProcess.builder(
                        "run", job.toString(), "--database", database.jdbcUrl(role.name()))
                .environment("PGPASSWORD", role.password())
                .start()) {
            assertThat(process.waitFor(PATIENCE)).as("%s", process).isZero();
            assertThat(process.output()).contains("proof: 0 rows left to do in the whole range");
            assertThat(process.output() + process.errors()).doesNotContain("Exception", role.password());
        }
        assertThat(database.queryStrings("SELECT concat_ws(' ', r.state, p.remaining)"
                        + " FROM backfill.run r JOIN backfill.proof p ON p.run = r.id"))
                .containsExactly("SUCCEEDED 0");
    }

    private static TestDatabase database(TestPostgres server) throws Exception {
        TestDatabase database = server.newDatabase();
        database.execute(
                "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint NOT NULL, cents bigint)",
                "INSERT INTO orders SELECT i * 11, i FROM generate_series(1, 2500) AS i");
        return database;
    }

    /** What an administrator does for the program. */
    private static TestRole role(TestDatabase database, String rights) throws Exception {
        TestRole role = database.newMonitoringRole();
        database.execute(
                "REVOKE CREATE ON SCHEMA public FROM public",
                "CREATE SCHEMA backfill AUTHORIZATION " + role.name(),
                "GRANT " + rights + " ON orders TO " + role.name());
        return role;
    }
}
