package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import dev.backfill.orchestrator.config.DaemonSettings;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.testing.TestDatabase;
import dev.backfill.orchestrator.testing.TestPostgres;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class AdminServerTest {

    static final String JOB = """
            version: 1
            job: %s
            description: Adds one
            labels: { team: billing, link: "https://wiki.example/x" }
            table: t
            range: { by: id }
            update: { set: { n: n + 1 }, where: n = 0 }
            """;

    static TestDatabase database(int rows) throws SQLException {
        TestDatabase database = TestPostgres.newest().newDatabase();
        database.execute(
                "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0)",
                "INSERT INTO t SELECT i FROM generate_series(1, " + rows + ") AS i",
                "VACUUM ANALYZE t");
        return database;
    }

    @Test
    void a_job_lives() throws Exception {
        try (TestDatabase database = database(5_000);
                AdminFixture admin = AdminFixture.working(Map.of("main", database.jdbcUrl()))) {
            Answer registered = admin.put("fill", JOB.formatted("fill"));
            assertThat(registered.status()).isEqualTo(201);
            assertThat(registered.at("/changed")).isEqualTo("true");
            assertThat(registered.at("/warnings")).isEqualTo("[]");
            Answer again = admin.put("fill", "# the same\n" + JOB.formatted("fill"));
            assertThat(again.status()).isEqualTo(200);
            assertThat(again.at("/changed")).isEqualTo("false");
            Answer other = admin.put("fill", JOB.formatted("fill") + "schedule: { start: manual }\n");
            assertThat(other.status()).isEqualTo(200);
            assertThat(other.at("/revision")).isEqualTo("2");

            Answer started = admin.post("/api/v1/jobs/fill/start", "{\"reason\": \"because\"}");
            assertThat(started.status()).isEqualTo(200);
            assertThat(started.at("/runs/0/state")).isIn("PENDING", "RUNNING");
            String run = started.at("/runs/0/id");
            awaitState(admin, "SUCCEEDED");
            assertThat(database.queryLong("SELECT count(*) FROM t WHERE n <> 1"))
                    .isZero();
            assertJob(admin.get("/api/v1/jobs/fill").json(), run);

            assertThat(admin.verb("fill", "verify").status()).isEqualTo(200);
            assertThat(admin.verb("fill", "start").at("/runs/0/id")).isNotEqualTo(run);
            awaitState(admin, "SUCCEEDED");
            assertThat(admin.get("/api/v1/jobs/fill/runs").json().path("runs")).hasSize(2);
            assertThat(admin.get("/api/v1/runs/" + run).at("/job")).isEqualTo("fill");
            assertThat(admin.get("/api/v1/runs/" + run)
                            .json()
                            .path("progress-by-keys")
                            .asDouble())
                    .isEqualTo(1);
            JsonNode slice =
                    admin.get("/api/v1/runs/" + run + "/slices?limit=1").json().at("/slices/0");
            assertThat(slice.propertyNames())
                    .containsExactly("number", "pass", "state", "owner", "from", "to", "checkpoint", "rows", "batches");
            assertThat(slice.path("state").asString()).isEqualTo("DONE");

            assertThat(admin.send("DELETE", "/api/v1/jobs/fill", "").status()).isEqualTo(204);
            assertThat(admin.get("/api/v1/jobs/fill").status()).isEqualTo(404);
            assertThat(admin.send("DELETE", "/api/v1/jobs/fill", "").status()).isEqualTo(404);
            assertThat(admin.get("/api/v1/jobs").at("/jobs")).isEqualTo("[]");
            assertThat(admin.get("/api/v1/jobs/fill/runs").json().path("runs")).hasSize(2);
            assertThat(admin.put("fill", JOB.formatted("fill")).status()).isEqualTo(201);
        }
    }

    private static void assertJob(JsonNode job, String run) {
        assertThat(job.propertyNames())
                .containsExactly(
                        "job", "description", "labels", "revision", "origin", "registered", "schedule", "runs");
        assertThat(job.path("labels").toString())
                .isEqualTo("{\"link\":\"https://wiki.example/x\",\"team\":\"billing\"}");
        assertThat(job.path("origin").asString()).isEqualTo("api");
        assertThat(job.path("schedule").toString()).isEqualTo("{\"start\":\"manual\"}");
        JsonNode shown = job.at("/runs/0");
        assertThat(shown.propertyNames())
                .containsExactly(
                        "id",
                        "database",
                        "revision",
                        "state",
                        "hold",
                        "progress",
                        "rows",
                        "eta",
                        "eta-range",
                        "created",
                        "scheduled-for",
                        "started",
                        "finished",
                        "reason");
        assertThat(shown.path("id").asString()).isEqualTo(run);
        assertThat(shown.path("database").asString()).isEqualTo("main");
        assertThat(shown.path("progress").asDouble()).isEqualTo(1);
        assertThat(shown.path("rows").toString())
                .isEqualTo("{\"scanned\":5000,\"changed\":5000,\"quarantined\":0,\"remaining\":0}");
        assertThat(shown.path("eta").isNull()).isTrue();
        assertThat(shown.path("hold").isNull()).isTrue();
        assertThat(shown.path("finished").asString()).endsWith("Z");
        assertThat(Instant.parse(shown.path("started").asString()))
                .isBefore(Instant.parse(shown.path("finished").asString()));
    }

    private static void awaitState(AdminFixture admin, String state) {
        await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> admin.get("/api/v1/jobs/fill").at("/runs/0/state").equals(state));
    }

    @Test
    void a_stop_for_everything_is_written_and_shown_as_a_hold() throws Exception {
        try (TestDatabase database = database(1_000);
                AdminFixture admin = AdminFixture.working(Map.of("main", database.jdbcUrl()))) {
            admin.put("fill", JOB.formatted("fill"));
            Answer stopped = admin.post("/api/v1/pause", "{\"reason\": \"a night of quiet\"}");
            assertThat(stopped.status()).isEqualTo(200);
            assertThat(stopped.at("/stopped")).isEqualTo("true");
            assertThat(stopped.at("/databases/0/database")).isEqualTo("main");
            assertThat(stopped.at("/databases/0/stopped")).isEqualTo("true");
            assertThat(stopped.at("/databases/0/detail")).contains("anonymous at 127.0.0.1", "a night of quiet");

            admin.verb("fill", "start");
            await().dontCatchUncaughtExceptions()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> admin.get("/api/v1/jobs/fill")
                            .at("/runs/0/hold/reason")
                            .equals("stopped"));
            JsonNode hold = admin.get("/api/v1/jobs/fill").json().at("/runs/0/hold");
            assertThat(hold.propertyNames()).containsExactly("reason", "since", "signal", "value", "limit", "detail");
            assertThat(hold.path("detail").asString()).contains("a night of quiet");

            Answer lifted = admin.post("/api/v1/resume", "");
            assertThat(lifted.at("/stopped")).isEqualTo("false");
            assertThat(lifted.at("/databases"))
                    .isEqualTo("[{\"database\":\"main\",\"stopped\":false,\"detail\":\"\"}]");
            awaitState(admin, "SUCCEEDED");
        }
    }

    @Test
    void probes_answer_whatever_name_they_are_asked_by() throws Exception {
        try (TestDatabase database = database(1);
                AdminFixture admin = AdminFixture.standing(Map.of("main", database.jdbcUrl()))) {
            admin.metrics(() -> "# HELP backfill_x X\nbackfill_x 1\n");
            Answer metrics = admin.get("/metrics");
            assertThat(metrics.text()).contains("backfill_x 1");
            assertThat(metrics.header("content-type")).isEqualTo("text/plain; version=0.0.4; charset=utf-8");
            assertThat(admin.raw("GET /metrics HTTP/1.1", "Host: scraped.example"))
                    .startsWith("HTTP/1.1 200");
            assertThat(admin.raw("GET /health/live HTTP/1.1", "Host: 10.0.0.7:8642"))
                    .endsWith("{\"status\":\"up\"}");
            assertThat(admin.get("/health/ready").text())
                    .isEqualTo("{\"status\":\"ready\",\"detail\":\"\",\"databases\":"
                            + "[{\"database\":\"main\",\"status\":\"ready\",\"detail\":\"\"}]}");

            admin.notReady(Optional.of("the daemon stops"));
            Answer stopping = admin.get("/health/ready");
            assertThat(stopping.status()).isEqualTo(503);
            assertThat(stopping.at("/status")).isEqualTo("not-ready");
            assertThat(stopping.at("/detail")).isEqualTo("the daemon stops");
            assertThat(admin.get("/health/live").status()).isEqualTo(200);
        }
    }

    @Test
    void the_page_comes_with_all_that_it_names_and_may_load_nothing_else() {
        try (AdminFixture admin = AdminFixture.untried(Map.of())) {
            Answer page = admin.get("/");
            assertThat(page.status()).isEqualTo(200);
            assertThat(page.header("content-type")).isEqualTo("text/html;charset=utf-8");
            assertThat(page.header("content-security-policy")).startsWith("default-src 'none'; script-src 'self';");
            List<String> named = Pattern.compile("(?:href|src)=\"([^\"]+)\"")
                    .matcher(page.text())
                    .results()
                    .map(found -> found.group(1))
                    .toList();
            assertThat(named).contains("page.js", "page.css");
            for (String file : named) {
                Answer answer = admin.get("/" + file);
                assertThat(answer.status()).as(file).isEqualTo(200);
                assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
            }
        }
    }

    @Test
    void clients_that_send_half_a_request_keep_nobody_else_from_an_answer() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try (AdminFixture admin = AdminFixture.untried(Map.of())) {
            for (int i = 0; i < 300; i++) {
                Socket socket = new Socket(
                        InetAddress.getLoopbackAddress(), admin.server().port());
                slow.add(socket);
                String half =
                        "PUT /api/v1/jobs/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nversion: 1";
                socket.getOutputStream().write(half.getBytes(StandardCharsets.ISO_8859_1));
            }
            for (int i = 0; i < 5; i++) {
                long begun = System.nanoTime();

                assertThat(admin.get("/health/live").status()).isEqualTo(200);

                assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(3));
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void clients_that_send_a_request_bit_by_bit_are_cut_and_others_are_not() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try (AdminFixture admin = AdminFixture.untried(Map.of());
                Socket stream = new Socket(
                        InetAddress.getLoopbackAddress(), admin.server().port());
                Socket quick = new Socket(
                        InetAddress.getLoopbackAddress(), admin.server().port())) {
            send(stream, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
            for (String begun : List.of(
                    "GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
                    "PUT /api/v1/jobs/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
                    "G")) {
                Socket socket = new Socket(
                        InetAddress.getLoopbackAddress(), admin.server().port());
                slow.add(socket);
                send(socket, begun);
            }
            await().dontCatchUncaughtExceptions()
                    .atMost(Duration.ofSeconds(25))
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> {
                        send(quick, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
                        return slow.stream().allMatch(AdminServerTest::isCutBeforeOneMoreByte);
                    });
            send(quick, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            assertThat(new String(quick.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .contains("HTTP/1.1 200")
                    .doesNotContain("HTTP/1.1 4");
            stream.setSoTimeout(10_000);
            assertThat(stream.getInputStream().readNBytes(20)).hasSize(20);
            int told = stream.getInputStream().available();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> stream.getInputStream().available() > told);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static boolean isCutBeforeOneMoreByte(Socket socket) {
        try {
            send(socket, "x");
            socket.setSoTimeout(1);
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void a_port_in_use_is_said_with_what_to_do() {
        try (AdminFixture admin = AdminFixture.untried(Map.of())) {
            Sites none = new Sites(List.of());
            DaemonSettings.Admin same = new DaemonSettings.Admin(
                    "127.0.0.1", admin.server().port(), List.of(), Admission.EVERYBODY, Optional.empty());
            AdminServer second = new AdminServer(
                    same,
                    new AdminServer.Realm(none, new Registrar(none, (dispatcher, job) -> {}), AdminFixture.files()),
                    new Probes(() -> "", Optional::empty),
                    Timing.system());
            assertThatThrownBy(second::start)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the admin API cannot listen on 127.0.0.1:" + same.port()
                            + ": Address already in use; stop what listens there, or set admin.port or admin.host");
            second.close();
            assertThat(admin.get("/health/live").status()).isEqualTo(200);
        }
    }

    @Test
    void closing_cuts_requests_that_are_under_way() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        AdminFixture admin = AdminFixture.untried(Map.of());
        admin.metrics(() -> {
            asked.countDown();
            try {
                never.await();
            } catch (InterruptedException e) {
                asked.countDown();
                awaitForEver(never);
            }
            return "";
        });
        // Over a bare socket: the client of the JDK may wait on for a connection that is gone.
        try (Socket client =
                new Socket(InetAddress.getLoopbackAddress(), admin.server().port())) {
            client.setSoTimeout(5_000);
            client.getOutputStream()
                    .write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            asked.await();
            long begun = System.nanoTime();
            admin.close();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMillis(600));
            assertThat(client.getInputStream().read()).as("the end").isEqualTo(-1);
        }
        never.countDown();
    }

    private static void awaitForEver(CountDownLatch never) {
        while (never.getCount() > 0) {
            Thread.onSpinWait();
        }
    }
}
