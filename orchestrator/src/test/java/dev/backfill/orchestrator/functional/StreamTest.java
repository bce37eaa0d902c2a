package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.functional.EventStream.Told;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What clients are told while it happens, by a real daemon. */
class StreamTest {

    private static final int ROWS = 4_000;
    private static final Duration BATCH = Duration.ofMillis(100);
    private static final Duration COUNTED = Duration.ofSeconds(3);
    private static final String EVENT = """
            INSERT INTO backfill.event (subject_kind, subject, who, "to", detail)
            SELECT 'job', 'noted', 'test', 'noted', jsonb_build_object('reason', '%s' || i)
            FROM generate_series(1, %d) AS i
            """;

    @TempDir
    private static Path directory;

    private static TestDatabase database;
    private static Daemon daemon;

    @BeforeAll
    static void start() throws Exception {
        database = TestPostgres.newest().newDatabase();
        daemon = Daemon.start(
                directory,
                process -> process.option("-Xmx64m").option("-XX:+ExitOnOutOfMemoryError"),
                Map.of("main", database.jdbcUrl()),
                "lease = 2s");
    }

    @AfterAll
    static void stop() throws Exception {
        daemon.close();
        database.close();
    }

    @Test
    void a_client_is_told_how_everything_stands_and_then_what_changes() throws Exception {
        PacedTable table = PacedTable.create(database, "moving", ROWS, BATCH);
        PacedTable other = PacedTable.create(database, "other", 20, BATCH);
        daemon.register("other", other.job("schedule: { start: manual }"));
        daemon.register("moving", table.job());
        daemon.awaitState("moving", "RUNNING");
        try (EventStream client = EventStream.open(daemon, "");
                EventStream ofOther = EventStream.open(daemon, "?job=other")) {
            Told hello = client.await("hello", told -> true);
            assertThat(client.told().get(0)).isEqualTo(hello);
            assertThat(Instant.parse(hello.at("/now"))).isAfter(Instant.now().minusSeconds(60));
            Told main = client.await("database", told -> told.at("/status").equals("ready"));
            assertThat(main.at("/database")).isEqualTo("main");
            client.until(
                    () -> client.job("moving").isObject() && client.job("other").isObject());
            assertThat(client.job("other"))
                    .isEqualTo(daemon.get("/api/v1/jobs/other").body());
            assertMoves(client);

            daemon.post("/api/v1/jobs/moving/pause", "{\"reason\": \"a storm\"}");
            Told paused = client.await("event", told -> told.at("/to").equals("PAUSED"));
            assertThat(paused.at("/detail/reason")).isEqualTo("paused by anonymous at 127.0.0.1: a storm");
            assertThat(paused.data()).isEqualTo(lastEvent());
            assertThat(paused.id()).isEqualTo("main:" + paused.at("/id"));
            client.until(() -> client.job("moving")
                    .equals(daemon.get("/api/v1/jobs/moving").body()));
            assertThat(client.job("moving").at("/runs/0/state").asString()).isEqualTo("PAUSED");

            assertThat(daemon.delete("/api/v1/jobs/other").status()).isEqualTo(204);
            assertThat(client.await("job-gone", told -> true).at("/job")).isEqualTo("other");
            ofOther.await("job-gone", told -> told.at("/job").equals("other"));
            assertThat(ofOther.told()).noneMatch(told -> told.is("database"));
            assertThat(ofOther.told("job")).allMatch(told -> told.at("/job").equals("other"));
            assertThat(ofOther.told("event"))
                    .isNotEmpty()
                    .allMatch(told -> told.at("/subject/name").equals("other"));
        }
    }

    private static void assertMoves(EventStream client) {
        client.until(() -> client.told("job").stream()
                        .filter(told -> told.at("/job").equals("moving"))
                        .map(told -> told.data().at("/runs/0/rows/scanned").asLong())
                        .distinct()
                        .count()
                >= 3);
        List<Long> scanned = client.told("job").stream()
                .filter(told -> told.at("/job").equals("moving"))
                .map(told -> told.data().at("/runs/0/rows/scanned").asLong())
                .toList();
        assertThat(scanned).isSorted();
    }

    private static JsonNode lastEvent() throws SQLException {
        long before = database.queryLong("SELECT max(id) - 1 FROM backfill.event");
        return daemon.get("/api/v1/events?after=main:" + before).body().at("/events/0");
    }

    @Test
    void an_event_that_commits_after_later_ones_is_lost_by_nobody() throws Exception {
        try (EventStream client = EventStream.open(daemon, "")) {
            long latest = database.queryLong("SELECT coalesce(max(id), 0) FROM backfill.event");
            client.until(() -> client.id().equals("main:" + latest));
            try (Connection early = database.connect();
                    Statement statement = early.createStatement()) {
                early.setAutoCommit(false);
                statement.execute(EVENT.formatted("early", 1));
                long id = database.queryLong("SELECT last_value FROM backfill.event_id_seq");
                database.execute(EVENT.formatted("late", 1));
                Told late =
                        client.await("event", told -> told.at("/detail/reason").equals("late1"));
                assertThat(late.data().path("id").asLong()).isEqualTo(id + 1);
                assertThat(late.id()).isEqualTo("main:" + (id - 1));
                pollsPass(3);
                assertThat(client.id()).as("while it is open").isEqualTo("main:" + (id - 1));
                try (EventStream back = EventStream.resume(daemon, client.id())) {
                    back.await("event", told -> told.at("/detail/reason").equals("late1"));
                    early.commit();
                    back.await("event", told -> told.at("/detail/reason").equals("early1"));
                    client.await("event", told -> told.at("/detail/reason").equals("early1"));
                    back.until(() -> back.id().equals("main:" + (id + 1)));
                }
                assertThat(client.events()).containsSubsequence(id + 1, id).doesNotHaveDuplicates();

                statement.execute(EVENT.formatted("never", 1));
                early.rollback();
                database.execute(EVENT.formatted("after", 1));
                client.until(() -> client.id().equals("main:" + (id + 3)));
                assertThat(client.events()).containsOnlyOnce(id, id + 1, id + 3).doesNotContain(id + 2);
            }
        }
    }

    private static void pollsPass(int count) {
        Duration time = Duration.ofSeconds(count);
        await().atMost(time.plusSeconds(10)).pollDelay(time).until(() -> true);
    }

    @ParameterizedTest
    @CsvSource({
        "?after=main, ''",
        "?after=main:x, ''",
        "?after=elsewhere:1, ''",
        "?afer=main:1, ''",
        "?job=A, ''",
        "'', main",
        "?after=main:1, main:x"
    })
    void a_request_that_makes_no_sense_is_refused(String parameters, String header) throws Exception {
        String[] headers = header.isEmpty() ? new String[0] : new String[] {"Last-Event-ID", header};
        var refused = EventStream.ask(daemon, parameters, headers);

        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.headers().firstValue("content-type")).contains("application/problem+json");
        refused.body().close();
    }

    /** In a heap that does not hold what those who read nothing have asked for. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void many_clients_cost_the_database_no_more_than_one_also_while_some_read_nothing() throws Exception {
        List<EventStream> clients = new ArrayList<>();
        List<Socket> deaf = new ArrayList<>();
        try {
            database.execute(EVENT.formatted("x".repeat(4_000), 20_000));
            long last = database.queryLong("SELECT max(id) FROM backfill.event");
            clients.add(EventStream.open(daemon, "?after=main:" + (last - 2_000)));
            clients.get(0).until(() -> clients.get(0).events().size() == 2_000);
            long ofOne = transactions();
            while (deaf.size() < 20) {
                deaf.add(deaf());
            }
            await().dontCatchUncaughtExceptions().atMost(Duration.ofSeconds(9)).until(() -> stuck() == deaf.size());
            while (clients.size() < 50) {
                clients.add(EventStream.open(daemon, ""));
            }
            for (EventStream client : clients) {
                client.until(
                        () -> !client.told("database").isEmpty() && !client.id().isEmpty());
            }
            long ofMany = least(2 * ofOne);

            System.out.println("transactions in " + COUNTED + ": of one client " + ofOne + ", of many " + ofMany);
            assertThat(ofMany).as("fifty cost no more than a few").isLessThanOrEqualTo(2 * ofOne);
            database.execute(EVENT.formatted("for all", 1));
            for (EventStream client : clients) {
                client.await("event", told -> told.at("/detail/reason").equals("for all1"));
            }
            await().dontCatchUncaughtExceptions().atMost(Duration.ofSeconds(15)).until(() -> stuck() == 0);
            assertThat(clients).noneMatch(EventStream::isEnded);
        } finally {
            for (EventStream client : clients) {
                client.close();
            }
            for (Socket socket : deaf) {
                socket.close();
            }
        }
    }

    /** The least of some whiles, unless one has no more: what was read for those who were behind is counted late. */
    private static long least(long enough) throws SQLException {
        long least = transactions();
        for (int i = 0; i < 4 && least > enough; i++) {
            least = Math.min(least, transactions());
        }
        return least;
    }

    /** How many the database sees in a while; it counts them a second late. */
    private static long transactions() throws SQLException {
        String committed = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        long before = database.queryLong(committed);
        pollsPass((int) COUNTED.toSeconds());
        return database.queryLong(committed) - before;
    }

    @Test
    void who_comes_back_to_another_daemon_has_missed_nothing_and_the_end_of_a_daemon_ends_its_streams(@TempDir Path own)
            throws Exception {
        try (TestDatabase fresh = TestPostgres.newest().newDatabase()) {
            String id;
            try (Daemon first = Daemon.start(own, fresh);
                    EventStream client = EventStream.open(first, "")) {
                client.until(() -> !client.id().isEmpty());
                fresh.execute(EVENT.formatted("before", 3));
                client.until(() -> client.events().size() == 3);
                id = client.id();
                first.process().kill9();
                client.until(client::isEnded);
            }
            long last = fresh.queryLong("SELECT max(id) FROM backfill.event");
            fresh.execute(EVENT.formatted("meanwhile", 2_500));
            try (Daemon second = Daemon.start(own, fresh);
                    EventStream back = EventStream.open(second, "?after=main:0", "Last-Event-ID", id);
                    EventStream ofOne = EventStream.open(second, "?after=" + id + "&job=none");
                    EventStream fromNow = EventStream.open(second, "")) {
                back.until(() -> back.events().size() >= 2_500);
                fromNow.until(() -> !fromNow.id().isEmpty());
                fresh.execute(EVENT.formatted("live", 1));
                fromNow.await("event", told -> true);
                back.until(() -> back.events().size() >= 2_501);
                List<Long> all =
                        LongStream.rangeClosed(last + 1, last + 2_501).boxed().toList();
                assertThat(back.events()).isEqualTo(all);
                assertThat(back.told("event")).allMatch(told -> told.id().equals("main:" + told.at("/id")));
                assertThat(fromNow.events()).containsExactly(last + 2_501);
                ofOne.until(() -> ofOne.id().equals(back.id()));
                assertThat(ofOne.events()).isEmpty();

                second.process().sigterm();
                back.until(() -> back.isEnded() && ofOne.isEnded() && fromNow.isEnded());
                assertThat(second.process().waitFor(Duration.ofSeconds(6))).isZero();
                assertThat(second.process().errors()).doesNotContain("ERROR", "Exception");
            }
        }
    }

    /** A client that asks for everything from the beginning, and reads nothing of it. */
    private static Socket deaf() throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4_096);
        socket.connect(new java.net.InetSocketAddress(
                InetAddress.getLoopbackAddress(), URI.create(daemon.address()).getPort()));
        socket.getOutputStream()
                .write("GET /api/v1/stream?after=main:0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    /** How many connections of the daemon are established and have something to send that is not taken. */
    private static long stuck() throws IOException {
        String port = ":%04X".formatted(URI.create(daemon.address()).getPort());
        List<String> lines = new ArrayList<>(Files.readAllLines(Path.of("/proc/net/tcp")));
        lines.addAll(Files.readAllLines(Path.of("/proc/net/tcp6")));
        return lines.stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields[1].endsWith(port) && fields[3].equals("01"))
                .filter(fields -> !fields[4].startsWith("00000000:"))
                .count();
    }
}
