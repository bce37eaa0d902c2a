package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.BackfillProcess;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.awaitility.core.ConditionFactory;

/** A row that each run of a planned job counts up, in a database of its own, and the daemons on it. */
final class Ticks implements AutoCloseable {

    static final String JOB = "tick";
    static final Duration PERIOD = Duration.ofSeconds(4);
    static final String EVERY_PERIOD = "{ start: { cron: \"0/4 * * * * ?\" } }";

    private static final String SKIPPED = """
            SELECT detail->>'reason' FROM backfill.event WHERE "to" = 'start-skipped' ORDER BY id
            """;
    private static final String STARTS = """
            SELECT to_char(scheduled_for AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            FROM backfill.run ORDER BY scheduled_for
            """;

    private final TestDatabase database;

    private Ticks(TestDatabase database) {
        this.database = database;
    }

    static Ticks create() throws SQLException {
        TestDatabase database = TestPostgres.newest().newDatabase();
        database.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)", "INSERT INTO t VALUES (1)");
        return new Ticks(database);
    }

    TestDatabase database() {
        return database;
    }

    Daemon start(Path directory) throws IOException {
        return start(directory, UnaryOperator.identity());
    }

    Daemon start(Path directory, UnaryOperator<BackfillProcess.Builder> prepared) throws IOException {
        return Daemon.start(directory, prepared, Map.of("main", database.jdbcUrl()), "lease = 2s");
    }

    /** Registers the job, with this schedule and runs that take so long. */
    static void register(Daemon daemon, String schedule, Duration lasting) {
        Daemon.Answer answer = daemon.put("/api/v1/jobs/" + JOB, """
                version: 1
                job: %s
                table: t
                range: { by: id }
                sql: "UPDATE t SET n = n + 1 WHERE :range AND (SELECT pg_sleep(%d / 1000.0)) IS NOT NULL"
                verify: none
                schedule: %s
                """.formatted(JOB, lasting.toMillis(), schedule));
        assertThat(answer.status()).as("%s", answer).isIn(200, 201);
    }

    /** How many runs there are. */
    long runs() throws SQLException {
        return database.queryLong("SELECT count(*) FROM backfill.run");
    }

    long finishedRuns() throws SQLException {
        return database.queryLong("SELECT count(*) FROM backfill.run WHERE state = 'SUCCEEDED'");
    }

    /** The planned starts that became runs, the earliest first. */
    List<Instant> planned() throws SQLException {
        return database.queryStrings(STARTS).stream().map(Instant::parse).toList();
    }

    /** What was written down of skipped starts. */
    List<String> skipped() throws SQLException {
        return database.queryStrings(SKIPPED);
    }

    /** The database's time. */
    Instant now() throws SQLException {
        return Instant.ofEpochMilli(
                database.queryLong("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
    }

    /** From the first run on no time is left out, and each run changed the row once. */
    void assertEachPeriodHasOneRun(int fewest) throws SQLException {
        soon(PERIOD.multipliedBy(fewest + 1L).plusSeconds(20)).until(() -> finishedRuns() >= fewest);
        List<Instant> planned = planned();
        for (int i = 0; i < planned.size(); i++) {
            assertThat(planned.get(i))
                    .as("start %d of %s", i, planned)
                    .isEqualTo(planned.get(0).plus(PERIOD.multipliedBy(i)));
        }
        assertThat(planned.get(0).getEpochSecond() % PERIOD.toSeconds()).isZero();
        assertThat(skipped()).isEmpty();
        assertNoneBeforeItsTime();
        soon(Duration.ofSeconds(10)).until(() -> database.queryLong("SELECT n FROM t") == finishedRuns());
    }

    /** Waits for so long after the next planned time by the database's clock, or before it. */
    void awaitPlannedTime(Duration after) throws SQLException, InterruptedException {
        long now = now().toEpochMilli();
        long next = (now / PERIOD.toMillis() + 1) * PERIOD.toMillis();
        Thread.sleep(Math.max(0, next - now + after.toMillis()));
    }

    /** From the first run on each time has one run, or was skipped with an event; each run changed the row once. */
    void assertEachPeriodHasOneRunOrWasSkipped(int fewest) throws SQLException {
        soon(PERIOD.multipliedBy(fewest + 1L).plusSeconds(20))
                .until(() -> finishedRuns() >= fewest && finishedRuns() == runs());
        List<Instant> seen = new ArrayList<>(planned());
        skipped().forEach(event -> seen.add(Instant.parse(event.replaceAll(".*planned for (\\S+) .*", "$1"))));
        Collections.sort(seen);
        for (int i = 0; i < seen.size(); i++) {
            assertThat(seen.get(i))
                    .as("start %d of %s; skipped: %s", i, seen, skipped())
                    .isEqualTo(seen.get(0).plus(PERIOD.multipliedBy(i)));
        }
        assertNoneBeforeItsTime();
        soon(Duration.ofSeconds(10)).until(() -> database.queryLong("SELECT n FROM t") == finishedRuns());
    }

    void assertNoneBeforeItsTime() throws SQLException {
        assertThat(database.queryStrings("SELECT id FROM backfill.run WHERE started < scheduled_for"))
                .as("begun before their time")
                .isEmpty();
    }

    static ConditionFactory soon(Duration atMost) {
        return await().dontCatchUncaughtExceptions().atMost(atMost).pollInterval(Duration.ofMillis(100));
    }

    @Override
    public void close() throws SQLException {
        database.close();
    }
}
