package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Job files that go, change or contradict each other before their jobs are registered. The daemon has two databases:
 * {@code main}, and {@code later}, which is made by the last test but one.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class WatchedFilesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(45);
    private static final int ROWS = 100;
    private static final String MAIN = "database: main";
    private static final String MANUAL = "schedule: { start: manual }";
    private static final String UNFIT = "job cannot be registered; tried again every 30 s";
    private static final String LATER = "later_" + ProcessHandle.current().pid();

    @TempDir
    private static Path directory;

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        String later = database.jdbcUrl().replace("/" + database.name(), "/" + LATER);
        daemon = Daemon.start(directory, Map.of("main", database.jdbcUrl(), "later", later), "lease = 2s");
        write("early", missing("early").job(MAIN));
        PacedTable put = PacedTable.create(database, "put", ROWS, Duration.ZERO);
        write("put", put.job(MAIN, MANUAL, "description: by file"));
        awaitDescription("put", "by file");
        write("put", put.job(MAIN, MANUAL, "description: too early").replace("n + 1", "n + more"));
        awaitLog("column \"more\" does not exist");
        daemon.register("put", put.job(MAIN, MANUAL, "description: by request"));
        awaitLog("no table \"early\"");
        PacedTable.create(database, "early", ROWS, Duration.ZERO);
        database.execute("ALTER TABLE put ADD more int NOT NULL DEFAULT 1");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.execute("DROP DATABASE IF EXISTS " + LATER + " WITH (FORCE)");
        database.close();
    }

    @Test
    void a_file_that_goes_before_its_job_could_be_registered_registers_nothing() throws Exception {
        write("gone", missing("gone").job(MAIN));
        awaitLog("no table \"gone\"");

        Files.delete(file("gone"));

        awaitLog("job file is gone before its job was registered; nothing is registered");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.job WHERE name = 'gone'"))
                .isZero();
        PacedTable table = PacedTable.create(database, "gone", ROWS, Duration.ZERO);
        write("gone", table.job(MAIN));
        daemon.awaitState("gone", "SUCCEEDED");
    }

    @Test
    void of_a_job_in_two_files_the_first_counts_until_it_is_gone() throws Exception {
        PacedTable table = PacedTable.create(database, "twice", ROWS, Duration.ZERO);
        write("twice-b", table.job(MAIN, MANUAL, "description: of b"));
        awaitDescription("twice", "of b");

        write("twice-a", table.job(MAIN, MANUAL, "description: of a"));
        awaitLog("the job twice is in two files (the one in " + file("twice-b") + " counts until it is gone");
        write("twice-b", table.job(MAIN, MANUAL, "description: of b again"));
        awaitDescription("twice", "of b again");
        await().dontCatchUncaughtExceptions()
                .during(Duration.ofMillis(2_500))
                .atMost(PATIENCE)
                .until(() -> description("twice").equals("of b again"));

        write("twice-b", "job: [");
        awaitLog("twice-b.yaml:1:");
        await().dontCatchUncaughtExceptions()
                .during(Duration.ofMillis(4_500))
                .atMost(PATIENCE)
                .until(() -> description("twice").equals("of b again"));

        Files.delete(file("twice-b"));

        awaitDescription("twice", "of a");
        assertThat(daemon.process().errors()).containsOnlyOnce("the job twice is in two files");
    }

    @Test
    void the_second_file_undoes_no_request_either() throws Exception {
        PacedTable table = PacedTable.create(database, "thrice", ROWS, Duration.ZERO);
        write("thrice-b", table.job(MAIN, MANUAL, "description: of b"));
        awaitDescription("thrice", "of b");
        write("thrice-a", table.job(MAIN, MANUAL, "description: of a"));
        awaitLog("the job thrice is in two files");
        daemon.register("thrice", table.job(MAIN, MANUAL, "description: by request"));

        Files.delete(file("thrice-b"));

        awaitLog("job=\"thrice\" registered=\"revision 2\"");
        assertThat(description("thrice")).isEqualTo("by request");
    }

    @Test
    void a_daemon_that_is_started_anew_goes_by_the_file_that_counted() throws Exception {
        Path own = Files.createDirectory(directory.resolve("own"));
        PacedTable table = PacedTable.create(database, "again", ROWS, Duration.ZERO);
        try (Daemon before = Daemon.start(own, database)) {
            before.jobFile(own, "b.yaml", table.job(MANUAL, "description: of b"));
            soon().untilAsserted(() ->
                    assertThat(before.get("/api/v1/jobs/again").status()).isEqualTo(200));
            before.jobFile(own, "a.yaml", table.job(MANUAL, "description: of a"));
            soon().untilAsserted(() -> assertThat(before.process().errors()).contains("is in two files"));
        }
        try (Daemon after = Daemon.start(own, database)) {
            soon().untilAsserted(() -> assertThat(after.process().errors())
                    .contains("the job again is in two files (the one in "
                            + own.resolve("jobs").resolve("b.yaml")));

            assertThat(description("again")).isEqualTo("of b");
        }
    }

    @Test
    @Order(Integer.MAX_VALUE - 1)
    void a_database_that_comes_later_gets_what_the_files_say_by_then() throws Exception {
        write("gone-later", job("gone-later"));
        write("spoilt-later", job("spoilt-later"));
        write("edited-later", job("edited-later"));
        write("emptied-later", job("emptied-later"));
        write("seen-1", "neither");
        awaitLog("seen-1.yaml");
        Files.delete(file("gone-later"));
        write("spoilt-later", "version: 1\njob: spoilt-later\n");
        Files.write(file("emptied-later"), new byte[0]);
        write("edited-later", job("edited-later") + "description: edited\n");
        write("seen-2", "neither");
        awaitLog("seen-2.yaml");

        try (TestDatabase seed = TestPostgres.newest().newDatabase()) {
            seed.execute("CREATE TABLE t (id bigint PRIMARY KEY, n int)");
            database.execute("CREATE DATABASE " + LATER + " TEMPLATE " + seed.name());
        }

        awaitDescription("edited-later", "edited");
        assertThat(daemon.get("/api/v1/jobs/edited-later")
                        .body()
                        .path("revision")
                        .asInt())
                .isOne();
        assertThat(daemon.get("/api/v1/jobs/gone-later").status()).isEqualTo(404);
        assertThat(daemon.get("/api/v1/jobs/spoilt-later").status()).isEqualTo(404);
        assertThat(daemon.get("/api/v1/jobs/emptied-later").status()).isEqualTo(404);
    }

    @Test
    @Order(Integer.MAX_VALUE) // half a minute after the start of the class
    void a_job_whose_table_was_missing_is_registered_once_it_is_there() throws Exception {
        soon().until(() -> !daemon.state("early").isEmpty());
        daemon.awaitState("early", "SUCCEEDED");
        new PacedTable(database, "early", ROWS).assertEachRowWasChangedOnce();
        assertThat(daemon.process()
                        .errors()
                        .lines()
                        .filter(line -> line.contains(UNFIT) && line.contains("no table \"early\"")))
                .hasSize(1);
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void what_was_registered_by_request_meanwhile_is_not_undone_by_the_file() {
        awaitLog("job file holds other content than what is registered; it counts once it changes");

        assertThat(description("put")).isEqualTo("by request");
        assertThat(daemon.get("/api/v1/jobs/put").body().path("revision").asInt())
                .isEqualTo(2);
    }

    /** A table that nobody has made yet. */
    private static PacedTable missing(String name) {
        return new PacedTable(database, name, ROWS);
    }

    /** A job of the database that comes later. */
    private static String job(String name) {
        return """
                version: 1
                job: %s
                database: later
                table: t
                range: { by: id }
                update: { set: { n: "1" }, where: n IS NULL }
                schedule: { start: manual }
                """.formatted(name);
    }

    private static void write(String file, String content) throws Exception {
        daemon.jobFile(directory, file + ".yaml", content);
    }

    private static Path file(String name) {
        return directory.resolve("jobs").resolve(name + ".yaml");
    }

    private static String description(String job) {
        return daemon.get("/api/v1/jobs/" + job).body().path("description").asString("");
    }

    private static void awaitDescription(String job, String wanted) {
        soon().untilAsserted(() -> assertThat(description(job)).isEqualTo(wanted));
    }

    private static void awaitLog(String text) {
        soon().untilAsserted(() -> assertThat(daemon.process().errors()).contains(text));
    }

    private static ConditionFactory soon() {
        return await().dontCatchUncaughtExceptions().atMost(PATIENCE);
    }
}
