package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.testing.ClockedServer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Windows by the clock of the database, which is decades ahead of the daemon's. */
@EnabledIf("dev.backfill.orchestrator.testing.ClockedServer#isPossible")
class WindowTest {

    private static final ZoneId ZONE = ZoneId.of("Europe/Berlin");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm xxx");
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final Duration SHORTLY = Duration.ofSeconds(2);
    private static final Duration BLUR = Duration.ofSeconds(1);

    @TempDir
    private static Path directory;

    private static ClockedServer server;
    private static TestDatabase database;
    private static Daemon daemon;
    private static int jobs;

    @BeforeAll
    static void start() throws Exception {
        server = ClockedServer.start(
                Files.createDirectory(directory.resolve("server")), Instant.parse("2060-01-01T00:00:00Z"));
        database = server.postgres().newDatabase();
        daemon = Daemon.start(directory, database);
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
        server.close();
    }

    @ParameterizedTest
    @CsvSource({
        // An ordinary night.
        "22:00, 06:00, 2060-11-03T22:00+01:00, 2060-11-04T06:00+01:00, 2060-11-04T22:00+01:00",
        // 02:30 comes twice and counts the first time; the clocks are set back under the run.
        "02:30, 03:30, 2060-10-31T02:30+02:00, 2060-10-31T03:30+01:00, 2060-11-01T02:30+01:00",
        "01:00, 02:30, 2060-10-31T01:00+02:00, 2060-10-31T02:30+02:00, 2060-11-01T01:00+01:00",
        // 02:30 does not come; the clocks are set ahead under the run.
        "01:00, 02:30, 2061-03-27T01:00+01:00, 2061-03-27T03:30+02:00, 2061-03-28T01:00+02:00",
        "02:15, 04:00, 2061-03-27T03:15+02:00, 2061-03-27T04:00+02:00, 2061-03-28T02:15+02:00",
    })
    void a_run_moves_from_the_opening_of_its_window_to_its_closing(
            String from, String to, OffsetDateTime opening, OffsetDateTime closing, OffsetDateTime next)
            throws Exception {
        PacedTable table = PacedTable.create(database, "windowed" + ++jobs, 5_000, BATCH);
        String job = table.name();
        set(opening.minus(SHORTLY));
        register(table, from, to);

        awaitHeldUntil(job, "PENDING", opening);
        daemon.awaitRun(
                job,
                run -> run.path("state").asString().equals("RUNNING")
                        && run.path("hold").isNull());
        assertThat(Instant.parse(daemon.run(job).path("started").asString()))
                .isBetween(
                        opening.toInstant().minusMillis(50), opening.toInstant().plus(SHORTLY));

        setBetweenBatches(job, closing.minus(SHORTLY));
        awaitHeldUntil(job, "RUNNING", next);
        assertThat(Instant.parse(daemon.run(job).path("hold").path("since").asString()))
                .isBetween(
                        closing.toInstant().minusMillis(50), closing.toInstant().plus(SHORTLY));
        assertThat(table.latestBegin())
                .isBetween(closing.toInstant().minus(BLUR), closing.toInstant().plus(BLUR));
        assertStandsStill(table);

        set(next.plusSeconds(1));
        table.batchesLast(Duration.ZERO);
        daemon.awaitState(job, "SUCCEEDED");
        table.assertEachRowWasChangedOnce();
    }

    private static void register(PacedTable table, String from, String to) {
        String schedule = """
                schedule:
                  windows: [{ from: "%s", to: "%s" }]
                  zone: %s
                """.formatted(from, to, ZONE);
        String job = table.name();
        daemon.register(job, table.job(schedule));
    }

    private static void awaitHeldUntil(String job, String state, OffsetDateTime opening) {
        String opens = TIME.format(opening.atZoneSameInstant(ZONE)) + " (" + ZONE + ")";
        daemon.awaitRun(
                job,
                run -> run.path("state").asString().equals(state)
                        && run.path("hold").path("reason").asString("").equals("window")
                        && run.path("hold").path("detail").asString().endsWith("the next opens " + opens));
    }

    /** Not even a batch that was begun before is committed later, and no transaction is left open. */
    private static void assertStandsStill(PacedTable table) throws Exception {
        Sessions.awaitNoTransaction(database, table.name());
        long batches = table.batches();
        await().dontCatchUncaughtExceptions()
                .during(Duration.ofMillis(500))
                .atMost(SHORTLY)
                .until(() -> table.batches() == batches);
        assertThat(table.changes()).as("it was held in mid-run").hasSize(2);
    }

    private static void set(OffsetDateTime time) throws Exception {
        server.setClock(time.toInstant());
    }

    /** The server would take a batch over which its clock was set for one that lasts too long. */
    private static void setBetweenBatches(String job, OffsetDateTime time) throws Exception {
        daemon.post("/api/v1/pause");
        await().dontCatchUncaughtExceptions()
                .atMost(SHORTLY)
                .pollInterval(Duration.ofMillis(50))
                .until(() ->
                        daemon.run(job).path("hold").path("reason").asString("").equals("stopped"));
        set(time);
        daemon.post("/api/v1/resume");
    }
}
