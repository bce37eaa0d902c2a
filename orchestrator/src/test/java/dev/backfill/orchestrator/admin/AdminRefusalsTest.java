package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdminRefusalsTest {

    private static final String RUN = "00000000-0000-7000-8000-000000000001";

    private TestDatabase database;
    private AdminFixture admin;

    @BeforeAll
    void start() throws SQLException {
        database = AdminServerTest.database(100);
        admin = AdminFixture.standing(Map.of("main", database.jdbcUrl()));
        assertThat(admin.put("fill", AdminServerTest.JOB.formatted("fill")).status())
                .isEqualTo(201);
    }

    @AfterAll
    void end() throws SQLException {
        admin.close();
        database.close();
    }

    @BeforeEach
    void forget() throws SQLException {
        database.execute("TRUNCATE backfill.run CASCADE");
    }

    /** Verbs, with the states in which each is 409. */
    @ParameterizedTest
    @CsvSource({
        "start, PAUSED VERIFYING",
        "pause, none SUCCEEDED FAILED CANCELLED",
        "resume, none PENDING SUCCEEDED FAILED CANCELLED",
        "cancel, none SUCCEEDED FAILED",
        "retry, none PENDING RUNNING PAUSED VERIFYING SUCCEEDED CANCELLED",
        "verify, none PENDING RUNNING PAUSED VERIFYING"
    })
    void verbs_are_refused_in_states_that_do_not_allow_them(String verb, String refusing) throws SQLException {
        List<String> refused = List.of(refusing.split(" ", -1));
        List<String> states = new ArrayList<>(List.of("none"));
        Arrays.stream(RunState.values()).map(Enum::name).forEach(states::add);
        for (String state : states) {
            forget();
            if (!state.equals("none")) {
                run(state);
            }
            Answer answer = admin.verb("fill", verb);
            if (refused.contains(state)) {
                assertProblem(answer, 409, "Not allowed in this state");
                assertThat(answer.at("/state")).isEqualTo(state.equals("none") ? "null" : state);
                assertThat(answer.at("/database")).isEqualTo("main");
                assertThat(answer.at("/detail")).isNotEmpty();
            } else {
                assertThat(answer.status())
                        .as("%s in %s: %s", verb, state, answer)
                        .isEqualTo(200);
                assertThat(answer.at("/job")).isEqualTo("fill");
            }
        }
    }

    private void run(String state) throws SQLException {
        database.execute("""
                INSERT INTO backfill.run (id, job, revision, state, worker, paused_from, range, started, finished)
                VALUES ('%s', 'fill', 1, '%s', 'daemons', %s, '{}', now(), %s)
                """.formatted(
                        RUN,
                        state,
                        state.equals("PAUSED") ? "'RUNNING'" : "NULL",
                        state.matches("SUCCEEDED|FAILED|CANCELLED") ? "now()" : "NULL"));
    }

    @Test
    void the_reason_is_in_the_audit_log_and_in_the_run() throws SQLException {
        run("RUNNING");
        Answer paused = admin.post("/api/v1/jobs/fill/pause?database=main", "{\"reason\": \"a storm\"}");

        assertThat(paused.at("/runs/0/state")).isEqualTo("PAUSED");
        assertThat(paused.at("/runs/0/reason")).isEqualTo("paused by anonymous at 127.0.0.1: a storm");
        assertThat(database.queryStrings("SELECT who FROM backfill.event ORDER BY id DESC LIMIT 1"))
                .containsExactly("anonymous at 127.0.0.1");
    }

    @ParameterizedTest
    @CsvSource({
        "none, start, PENDING",
        "RUNNING, cancel, CANCELLED",
        "FAILED, retry, RUNNING",
        "PAUSED, resume, RUNNING",
        "FAILED, verify, check-asked"
    })
    void every_verb_leaves_who_and_why_in_the_audit_log(String state, String verb, String event) throws SQLException {
        if (!state.equals("none")) {
            run(state);
        }
        assertThat(admin.post("/api/v1/jobs/fill/" + verb, "{\"reason\": \"it is time\"}")
                        .status())
                .isEqualTo(200);
        assertThat(database.queryStrings("SELECT \"to\" || ' by ' || who || ': ' || (detail->>'reason')"
                        + " FROM backfill.event ORDER BY id DESC LIMIT 1"))
                .singleElement()
                .asString()
                .startsWith(event + " by anonymous at 127.0.0.1: ")
                .endsWith("it is time");
    }

    @Test
    void a_job_is_registered_only_over_what_was_seen() {
        String one = AdminServerTest.JOB.formatted("guarded");
        String two = one + "weight: 2\n";
        String path = "/api/v1/jobs/guarded";

        assertProblem(admin.send("PUT", path, one, "If-Match", "*"), 412, "Precondition failed");
        assertProblem(admin.send("PUT", path, one, "If-None-Match", "\"1\""), 400, "Bad request");
        assertThat(admin.send("PUT", path, one, "If-None-Match", "*").status()).isEqualTo(201);
        assertProblem(admin.send("PUT", path, two, "If-None-Match", "*"), 412, "Precondition failed");
        String tag = admin.get(path).header("ETag");
        assertThat(tag).matches("\"[0-9a-f-]{36}\"");
        for (String other : List.of("\"7\"", "1", "W/" + tag, "")) {
            Answer refused = admin.send("PUT", path, two, "If-Match", other);
            assertProblem(refused, 412, "Precondition failed");
            assertThat(refused.at("/detail")).contains("its ETag is " + tag);
        }
        assertThat(admin.get(path).at("/revision")).as("nothing was changed").isEqualTo("1");

        assertThat(admin.send("PUT", path, two, "If-Match", tag).status()).isEqualTo(200);
        assertThat(admin.get(path).header("ETag")).isNotEqualTo(tag);
        assertProblem(admin.send("DELETE", path, "", "If-Match", tag), 412, "Precondition failed");
        assertProblem(admin.send("PUT", path, one, "If-Match", tag), 412, "Precondition failed");
        assertThat(admin.send("PUT", path, one, "If-Match", "*").status()).isEqualTo(200);
        assertThat(admin.send("DELETE", path, "").status()).isEqualTo(204);
    }

    @Test
    void a_job_with_an_unfinished_run_is_not_unregistered() throws SQLException {
        run("PAUSED");
        Answer refused = admin.send("DELETE", "/api/v1/jobs/fill", "");

        assertProblem(refused, 409, "Not allowed in this state");
        assertThat(refused.at("/state")).isEqualTo("PAUSED");
        assertThat(refused.at("/detail")).isEqualTo("the run is PAUSED; cancel it first");
        assertThat(admin.get("/api/v1/jobs/fill").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /api",
        "GET, /api/v1",
        "GET, /api/v1/nothing",
        "GET, /api/v2/jobs",
        "GET, /API/v1/jobs",
        "GET, //api/v1/jobs",
        "GET, /api/v1/jobs/unknown",
        "GET, /api/v1/jobs/unknown/runs",
        "GET, /api/v1/jobs/unknown/proof",
        "GET, /api/v1/runs/00000000-0000-7000-8000-00000000000f/quarantine",
        "GET, /api/v1/jobs/Fill",
        "GET, /api/v1/jobs/%F0%9F%98%80",
        "GET, /api/v1/runs/1",
        "GET, /api/v1/runs/00000000-0000-7000-8000-00000000000f",
        "GET, /api/v1/runs/00000000-0000-7000-8000-00000000000f/slices",
        "POST, /api/v1/jobs/fill/destroy",
        "POST, /api/v1/jobs/unknown/start",
        "POST, /api/v1/jobs/fill/start?database=elsewhere",
        "DELETE, /api/v1/jobs/unknown",
        "GET, /metrics/x",
        "GET, /health",
        "GET, /favicon.ico"
    })
    void what_is_not_there_is_a_404(String method, String path) {
        assertProblem(admin.send(method, path, ""), 404, "Not found");
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /api/v1/jobs, GET",
        "PATCH, /api/v1/jobs/fill, 'DELETE, GET, PUT'",
        "TRACE, /api/v1/jobs/fill, 'DELETE, GET, PUT'",
        "OPTIONS, /api/v1/jobs/fill/start, POST",
        "GET, /api/v1/jobs/fill/start, POST",
        "GET, /api/v1/pause, POST",
        "DELETE, /api/v1/events, GET",
        "POST, /api/v1/stream, GET",
        "TRACE, /metrics, GET",
        "POST, /health/live, GET"
    })
    void another_method_is_a_405_that_says_which(String method, String path, String allow) {
        Answer answer = admin.send(method, path, "");
        assertProblem(answer, 405, "Method not allowed");
        assertThat(answer.header("allow")).isEqualTo(allow);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/v1/jobs?limit=0",
                "/api/v1/jobs?limit=1001",
                "/api/v1/jobs?limit=-1",
                "/api/v1/jobs?limit=x",
                "/api/v1/jobs?limit=",
                "/api/v1/jobs?limit=99999999999999999999",
                "/api/v1/jobs?limit=1&limit=2",
                "/api/v1/jobs?limt=1",
                "/api/v1/jobs/fill?database=main",
                "/api/v1/jobs/fill/runs?after=1",
                "/api/v1/events?after=main",
                "/api/v1/events?after=main:x",
                "/api/v1/events?after=other:1",
                "/api/v1/events?after=1",
                "/api/v1/events?after=",
                "/api/v1/events?after=%25zz:1",
                "/api/v1/events?job=A%00",
                "/api/v1/stream?after=main",
                "/api/v1/stream?after=other:1",
                "/api/v1/stream?after=",
                "/api/v1/stream?job=A",
                "/api/v1/stream?limit=1",
                "/api/v1/runs/00000000-0000-7000-8000-000000000001/slices?after=-1"
            })
    void nonsense_in_the_query_is_a_400(String path) {
        assertProblem(admin.get(path), 400, "Bad request");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "reason",
                "[]",
                "null",
                "{\"reason\": 1}",
                "{\"reason\": \"a\", \"reasons\": \"b\"}",
                "{\"reason\": \"a\\u0000b\"}",
                "{\"reason\": \"two\\nlines\"}",
                "{\"reason\": \"\\ud83d\"}"
            })
    void nonsense_in_the_body_of_a_verb_is_a_400(String body) throws SQLException {
        assertProblem(admin.post("/api/v1/jobs/fill/start", body), 400, "Bad request");
        assertProblem(admin.post("/api/v1/pause", body), 400, "Bad request");
        assertProblem(admin.send("DELETE", "/api/v1/jobs/fill", body), 400, "Bad request");
        assertThat(database.queryLong("SELECT count(*) FROM backfill.run")).isZero();
    }

    @Test
    void a_mistyped_parameter_does_not_widen_what_is_done() throws SQLException {
        run("RUNNING");
        assertProblem(admin.post("/api/v1/jobs/fill/cancel?databse=other", ""), 400, "Bad request");
        assertThat(admin.get("/api/v1/jobs/fill").at("/runs/0/state")).isEqualTo("RUNNING");
    }

    @Test
    void a_job_that_does_not_fit_is_a_422_with_every_place() {
        Answer answer = admin.put("bad", "version: 1\njob: bad\ntable: t\nrange: { bye: id }\nupdate: { set: {} }\n");

        assertProblem(answer, 422, "The job does not fit");
        assertThat(answer.json().path("problems")).hasSizeGreaterThan(1);
        assertThat(answer.json().at("/problems/0").propertyNames())
                .containsExactly("line", "column", "message", "hint");
        assertThat(answer.at("/problems/0/line")).isEqualTo("4");
        assertThat(answer.at("/detail")).startsWith("request:4:");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "[",
                "- a",
                "nonsense",
                "{\"job\": ",
                "a: &a [*a]",
                "version: 1\njob: other\ntable: t\nrange: { by: id }\nupdate: { set: { n: n + 1 }, where: n = 0 }\n",
                "version: 1\njob: bad\ntable: gone\nrange: { by: id }\nupdate: { set: { n: n + 1 }, where: n = 0 }\n",
                "version: 1\njob: bad\ndatabase: x\ntable: t\nrange: { by: id }\nupdate: { set: { n: 1 }, where: n = 0 }\n"
            })
    void other_bodies_of_a_job_are_422_too(String body) {
        Answer answer = admin.put("bad", body);
        assertProblem(answer, 422, "The job does not fit");
        assertThat(answer.json().path("problems")).isNotEmpty();
    }

    @Test
    void a_text_that_the_database_cannot_hold_is_no_fault_of_the_database() {
        for (String text : new String[] {"\"a\\0b\"", "\"a\\ud800b\""}) {
            Answer answer =
                    admin.put("bad", AdminServerTest.JOB.formatted("bad").replace("Adds one", text));
            assertProblem(answer, 422, "The job does not fit");
        }
    }

    @Test
    void one_request_registers_one_job() {
        String two = AdminServerTest.JOB.formatted("a") + "---\n" + AdminServerTest.JOB.formatted("b");
        Answer answer = admin.put("a", two);

        assertProblem(answer, 422, "The job does not fit");
        assertThat(answer.at("/problems/0/message")).isEqualTo("a request registers one job, and here are 2");
        assertThat(answer.at("/problems/0/line")).isEqualTo("10");
    }

    @Test
    void a_job_in_json_is_a_job() {
        Answer answer = admin.put("json", """
                {"version": 1, "job": "json", "table": "t", "range": {"by": "id"},
                 "update": {"set": {"n": "n + 1"}, "where": "n = 0"}}
                """);
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        assertThat(admin.send("DELETE", "/api/v1/jobs/json", "").status()).isEqualTo(204);
    }

    @Test
    void bodies_have_a_limit_and_an_encoding() {
        byte[] large = new byte[(1 << 20) + 1];
        Arrays.fill(large, (byte) ' ');
        assertProblem(admin.send("PUT", "/api/v1/jobs/bad", large), 413, "Body too large");
        assertProblem(admin.send("POST", "/api/v1/jobs/fill/start", large), 413, "Body too large");
        assertProblem(admin.send("PUT", "/api/v1/jobs/bad", new byte[3 << 20]), 413, "Body too large");
        byte[] latin = "{\"reason\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertProblem(admin.send("POST", "/api/v1/pause", latin), 400, "Bad request");
        assertProblem(admin.send("PUT", "/api/v1/jobs/bad", latin), 422, "The job does not fit");
    }

    @Test
    void a_fault_of_the_program_is_a_500_that_shows_nothing_of_it() {
        admin.metrics(() -> {
            throw new IllegalStateException("secret");
        });
        Answer answer = admin.get("/metrics");
        assertProblem(answer, 500, "Internal error");
        assertThat(answer.text()).doesNotContain("secret").doesNotContain("Exception");
        admin.metrics(() -> {
            throw new AssertionError("secret");
        });
        assertThat(admin.get("/metrics").status()).isEqualTo(500);
        assertThat(admin.get("/metrics").text()).doesNotContain("secret");
    }

    @ParameterizedTest
    @CsvSource({
        "GET /api/v1/jobs HTTP/1.1, Host: localhost, 200",
        "GET /api/v1/jobs HTTP/1.1, Host: [::1]:1, 200",
        "GET /api/v1/jobs HTTP/1.1, Host: BACKFILL.EXAMPLE, 200",
        "GET /api/v1/jobs HTTP/1.1, Host: evil.example, 403",
        "GET /%61pi/v1/jobs HTTP/1.1, Host: evil.example, 403",
        "GET / HTTP/1.1, Host: evil.example, 403",
        "GET /nothing HTTP/1.1, Host: evil.example, 403",
        "POST /metrics HTTP/1.1, Host: evil.example, 405",
        "GET /metrics/../api/v1/jobs HTTP/1.1, Host: evil.example, 4",
        "GET /metrics;/../api/v1/jobs HTTP/1.1, Host: evil.example, 4",
        "GET http://evil.example/api/v1/jobs HTTP/1.1, Host: localhost, 4",
        "GET /api/v1/jobs HTTP/1.0, X: y, 403",
        "GET /api/v1/jobs HTTP/1.1, X: y, 400",
        "GET /api/v1/jobs/a%2Fb HTTP/1.1, Host: localhost, 4",
        "GET /api/v1/jobs/f%00 HTTP/1.1, Host: localhost, 400",
        "GET /api/v1/jobs/%zz HTTP/1.1, Host: localhost, 4",
        "GET /api/v1/jobs?a=%zz HTTP/1.1, Host: localhost, 4",
        "GET /api/v1/jobs HTTP/3.7, Host: localhost, 505",
        "nonsense, Host: localhost, 4"
    })
    void requests_as_no_client_makes_them(String line, String header, String status) throws IOException {
        String answer = admin.raw(line, header);
        assertThat(answer).as("%s with %s", line, header).startsWith("HTTP/1.1 " + status);
        assertThat(answer).doesNotContainIgnoringCase("jetty").doesNotContainIgnoringCase("javalin");
        assertThat(answer)
                .doesNotContain("Server:")
                .doesNotContain("Access-Control")
                .doesNotContain("<html");
    }

    @Test
    void changes_from_pages_of_elsewhere_are_refused() throws IOException {
        String start = "POST /api/v1/jobs/fill/start HTTP/1.1";
        assertThat(admin.raw(start, "Host: localhost", "Origin: null")).startsWith("HTTP/1.1 403");
        assertThat(admin.raw(start, "Host: localhost", "Origin: http://evil.example"))
                .startsWith("HTTP/1.1 403");
        assertThat(admin.raw(start, "Host: localhost", "Sec-Fetch-Site: cross-site"))
                .startsWith("HTTP/1.1 403");
        assertThat(admin.raw(start, "Host: localhost:8642", "Origin: http://localhost:8642"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    void every_answer_says_that_it_is_what_it_says_and_is_not_kept() throws IOException {
        for (Answer answer : new Answer[] {
            admin.get("/api/v1/jobs"), admin.get("/nothing"), admin.get("/metrics"), admin.put("bad", "[")
        }) {
            assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
            assertThat(answer.header("cache-control")).isEqualTo("no-store");
        }
        assertThat(admin.raw("GET /x y HTTP/1.1", "Host: localhost"))
                .contains("nosniff")
                .contains("no-store")
                .contains("application/problem+json");
        for (String path : new String[] {"/api/v1/jobs", "/nothing", "/health/ready"}) {
            assertThat(admin.send("HEAD", path, "").status()).as(path).isEqualTo(405);
        }
    }

    private static void assertProblem(Answer answer, int status, String title) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.at("/title")).isEqualTo(title);
        assertThat(answer.at("/status")).isEqualTo(Integer.toString(status));
        assertThat(answer.at("/detail")).isNotEmpty();
    }
}
