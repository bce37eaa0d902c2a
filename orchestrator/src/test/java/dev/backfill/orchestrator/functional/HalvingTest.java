package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How large the next batch is after one that was locked, in somebody's way, or slow. What a batch took shows in sequences,
 * which no rollback takes back. Each case is a job of its own, all in one daemon.
 */
class HalvingTest {

    private static final int ROWS = 300;
    private static final int MOST_ATTEMPTS = 60;

    /** What the first attempts meet, the bounds of a batch, the sizes of the first attempts, and what is counted. */
    enum Case {
        LOCK_TIMEOUT("RAISE sqlstate '55P03'", 2, "size: 100, min: 10", "100 50 25", 2, 0),
        DEADLOCK("RAISE sqlstate '40P01'", 1, "size: 100, min: 10", "100 50", 1, 0),
        SERIALIZATION("RAISE sqlstate '40001'", 3, "size: 100, min: 10", "100 50 25 13", 3, 0),
        DOWN_TO_MIN("RAISE sqlstate '40001'", 3, "size: 100, min: 40", "100 50 40 40", 3, 0),
        SLOW("PERFORM pg_sleep(2)", 2, "size: 100, min: 10", "100 50 25", 2, 0),
        /** At the least size it may take longer, so that the third attempt is the last that is slow. */
        SLOW_AT_MIN("PERFORM pg_sleep(1.3)", 3, "size: 20, min: 10", "20 10 10", 1, 1),
        /** What takes longer even so is made smaller than that. */
        SLOWER_AT_MIN("PERFORM pg_sleep(4)", 4, "size: 20, min: 10", "20 10 10 5 2", 1, 3);

        private final String met;
        private final int times;
        private final String batch;
        private final String sizes;
        private final int retried;
        private final int split;

        Case(String met, int times, String batch, String sizes, int retried, int split) {
            this.met = met;
            this.times = times;
            this.batch = batch;
            this.sizes = sizes;
            this.retried = retried;
            this.split = split;
        }

        String job() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        String table() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(
                directory, Map.of("main", database.jdbcUrl()), "workers = 20", "databases.main.max-workers = 20");
        for (Case each : Case.values()) {
            create(each.table());
            database.execute("""
                    CREATE FUNCTION meet_%1$s() RETURNS trigger LANGUAGE plpgsql AS $$
                    DECLARE
                        attempt bigint := nextval('%1$s_attempts');
                    BEGIN
                        PERFORM setval('%1$s_size_' || attempt, (SELECT count(*) FROM changed));
                        IF attempt <= %2$d THEN
                            %3$s;
                        END IF;
                        RETURN NULL;
                    END $$
                    """.formatted(each.table(), each.times, each.met), """
                    CREATE TRIGGER meet AFTER UPDATE ON %1$s REFERENCING NEW TABLE AS changed
                    FOR EACH STATEMENT EXECUTE FUNCTION meet_%1$s()
                    """.formatted(each.table()));
            daemon.register(each.job(), yaml(each.job(), each.table(), each.batch));
        }
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @ParameterizedTest
    @EnumSource
    void the_next_batch_is_half_as_large_and_that_is_counted(Case met) throws Exception {
        daemon.awaitState(met.job(), "SUCCEEDED");

        List<String> first = Arrays.asList(met.sizes.split(" "));
        assertThat(sizes(met.table()).subList(0, first.size())).isEqualTo(first);
        assertEachRowWasChangedOnce(met.table());
        assertThat(batches(daemon, met.job(), "retried")).as("retried").isEqualTo(met.retried);
        assertThat(batches(daemon, met.job(), "split")).as("split").isEqualTo(met.split);
        assertThat(batches(daemon, met.job(), "failed")).as("failed").isZero();
        assertThat(batches(daemon, met.job(), "committed"))
                .as("committed")
                .isEqualTo(sizes(met.table()).size() - met.retried - met.split);
    }

    /** The first batch meets the lock, and half of it does not. */
    @Test
    void a_row_that_another_has_locked_makes_the_batches_smaller_that_have_it() throws Exception {
        create("held");
        database.execute("CREATE TABLE held_batches (size bigint, at timestamptz DEFAULT clock_timestamp())", """
                CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
                    INSERT INTO held_batches SELECT count(*) FROM changed; RETURN NULL; END'
                """, """
                CREATE TRIGGER note AFTER UPDATE ON held REFERENCING NEW TABLE AS changed
                FOR EACH STATEMENT EXECUTE FUNCTION note()
                """);
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            other.createStatement().execute("SELECT FROM held WHERE id = 91 FOR UPDATE");
            daemon.register(
                    "held",
                    yaml("held", "held", "size: 100, min: 10") + "errors: { lock-timeout: 50ms, attempts: 100 }\n");
            await().dontCatchUncaughtExceptions()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> database.queryLong("SELECT count(*) FROM held WHERE n = 1") >= 81);
            assertThat(database.queryLong("SELECT count(*) FROM held WHERE n = 1"))
                    .as("rows before the one that is locked")
                    .isBetween(81L, 90L);
            other.rollback();
        }
        daemon.awaitState("held", "SUCCEEDED");

        List<String> sizes = database.queryStrings("SELECT size FROM held_batches ORDER BY at");
        assertThat(sizes.get(0)).as("of the first batch that was committed").isEqualTo("50");
        assertThat(batches(daemon, "held", "retried")).isGreaterThanOrEqualTo(3);
        assertEachRowWasChangedOnce("held");
    }

    private static void create(String table) throws Exception {
        database.execute(
                "CREATE TABLE " + table + " (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO " + table + " SELECT g FROM generate_series(1, " + ROWS + ") AS g",
                "ANALYZE " + table,
                "CREATE SEQUENCE " + table + "_attempts");
        database.execute(IntStream.rangeClosed(1, MOST_ATTEMPTS)
                .mapToObj(attempt -> "CREATE SEQUENCE " + table + "_size_" + attempt)
                .toArray(String[]::new));
    }

    /** How many rows each attempt took. */
    private static List<String> sizes(String table) throws Exception {
        long attempts = database.queryLong("SELECT last_value FROM " + table + "_attempts");
        String sizes = IntStream.rangeClosed(1, (int) attempts)
                .mapToObj(attempt -> "SELECT " + attempt + " AS a, last_value FROM " + table + "_size_" + attempt)
                .reduce((one, other) -> one + " UNION ALL " + other)
                .orElseThrow();
        return database.queryStrings("SELECT last_value FROM (" + sizes + ") AS s ORDER BY a");
    }

    private static void assertEachRowWasChangedOnce(String table) throws Exception {
        assertThat(database.queryStrings("SELECT n || ' x ' || count(*) FROM " + table + " GROUP BY n"))
                .containsExactly("1 x " + ROWS);
        assertThat(database.queryLong("SELECT count(*) FROM backfill.quarantine"))
                .isZero();
    }

    /** How many batches of a job have come to this. */
    static long batches(Daemon daemon, String job, String outcome) throws Exception {
        String line =
                "backfill_batches_total{backfill=\"%s\",database=\"main\",outcome=\"%s\"} ".formatted(job, outcome);
        return daemon.metrics()
                .lines()
                .filter(l -> l.startsWith(line))
                .mapToLong(l -> (long) Double.parseDouble(l.substring(line.length())))
                .sum();
    }

    private static String yaml(String job, String table, String batch) {
        return """
                version: 1
                job: %s
                table: %s
                range: { by: id }
                sql: UPDATE %s SET n = n + 1 WHERE :range
                verify: { remaining: n = 0 }
                batch: { %s, max: 100 }
                %s""".formatted(
                        job,
                        table,
                        table,
                        batch,
                        job.equals("held") ? "" : "errors: { statement-timeout: 3s, lock-timeout: 100ms }\n");
    }
}
