package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Several databases, and those that are away. */
class AdminDatabasesTest {

    private static String job(String name, String database) {
        return AdminServerTest.JOB.formatted(name) + "database: " + database + "\n";
    }

    @Test
    void jobs_runs_and_events_of_all_databases_come_page_by_page() throws SQLException {
        try (TestDatabase a = AdminServerTest.database(10);
                TestDatabase b = AdminServerTest.database(10);
                AdminFixture admin = AdminFixture.standing(Map.of("a.1", a.jdbcUrl(), "b", b.jdbcUrl()))) {
            for (String name : List.of("j1", "j3", "j5")) {
                assertThat(admin.put(name, job(name, "a.1")).status()).isEqualTo(201);
            }
            for (String name : List.of("j2", "j4")) {
                assertThat(admin.put(name, job(name, "b")).status()).isEqualTo(201);
            }
            assertThat(admin.put("j1", job("j1", "b")).at("/problems/0/message"))
                    .isEqualTo("a job of this name is registered in database a.1");
            assertThat(admin.put("j9", AdminServerTest.JOB.formatted("j9")).status())
                    .isEqualTo(422);
            for (int i = 0; i < 3; i++) {
                assertThat(admin.verb("j1", "start").status()).isEqualTo(200);
                assertThat(admin.verb("j1", "cancel").at("/runs/0/state")).isEqualTo("CANCELLED");
            }
            assertThat(admin.verb("j2", "start").status()).isEqualTo(200);

            for (int limit : new int[] {1, 2, 3, 4, 5, 1000}) {
                assertThat(texts(all(admin, "/api/v1/jobs?limit=" + limit, "jobs"), "job"))
                        .containsExactly("j1", "j2", "j3", "j4", "j5");
                List<JsonNode> runs = all(admin, "/api/v1/jobs/j1/runs?limit=" + limit, "runs");
                assertThat(texts(runs, "id")).hasSize(3).doesNotHaveDuplicates();
                assertThat(texts(runs, "created")).isSortedAccordingTo((x, y) -> y.compareTo(x));
                List<JsonNode> events = all(admin, "/api/v1/events?limit=" + limit, "events");
                assertThat(events).hasSize(12);
                assertThat(texts(events, "time")).isSorted();
                assertThat(events.get(0).propertyNames())
                        .containsExactly("id", "time", "database", "subject", "run", "from", "to", "who", "detail");
                assertThat(texts(all(admin, "/api/v1/events?job=j2&limit=" + limit, "events"), "to"))
                        .containsExactly("revision 1", "PENDING");
            }
            assertThat(admin.get("/api/v1/events?limit=1&after=a.1:2,b:0").at("/next"))
                    .isEqualTo("a.1:3,b:0");
            assertThat(admin.get("/api/v1/jobs?limit=5").at("/next")).isEqualTo("null");
        }
    }

    @Test
    void one_job_of_two_databases_is_moved_in_both_or_in_one() throws SQLException {
        try (TestDatabase a = AdminServerTest.database(10);
                TestDatabase b = AdminServerTest.database(10);
                AdminFixture admin = AdminFixture.standing(Map.of("a", a.jdbcUrl(), "b", b.jdbcUrl()))) {
            assertThat(admin.put("fill", job("fill", "[a, b]")).status()).isEqualTo(201);

            Answer both = admin.verb("fill", "start");
            assertThat(texts(nodes(both.json().path("runs")), "state")).containsExactly("PENDING", "PENDING");
            Answer one = admin.post("/api/v1/jobs/fill/cancel?database=b", "");
            assertThat(texts(nodes(one.json().path("runs")), "state")).containsExactly("PENDING", "CANCELLED");
            Answer some = admin.verb("fill", "pause");
            assertThat(some.status()).isEqualTo(200);
            assertThat(texts(nodes(some.json().path("runs")), "state")).containsExactly("PAUSED", "CANCELLED");
            assertThat(some.at("/refused/0/database")).isEqualTo("b");
            assertThat(some.at("/refused/0/state")).isEqualTo("CANCELLED");
            Answer refused = admin.verb("fill", "retry");
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.at("/database")).isEqualTo("a");
            assertThat(refused.at("/state")).isEqualTo("PAUSED");
            for (int limit : new int[] {1, 2, 3}) {
                List<JsonNode> runs = all(admin, "/api/v1/jobs/fill/runs?limit=" + limit, "runs");
                assertThat(texts(runs, "database")).containsExactlyInAnyOrder("a", "b");
            }
            assertThat(admin.send("DELETE", "/api/v1/jobs/fill", "").status()).isEqualTo(409);
            admin.verb("fill", "cancel");
            assertThat(admin.send("DELETE", "/api/v1/jobs/fill", "").status()).isEqualTo(204);
        }
    }

    @Test
    void a_database_that_is_away_is_named() throws SQLException {
        try (TestDatabase here = AdminServerTest.database(10);
                AdminFixture admin =
                        AdminFixture.standing(Map.of("here", here.jdbcUrl(), "gone", AdminFixture.NOWHERE))) {
            assertThat(admin.put("fill", job("fill", "here")).status()).isEqualTo(201);
            Answer notNow = admin.put("other", job("other", "gone"));
            assertAway(notNow);

            Answer jobs = admin.get("/api/v1/jobs");
            assertThat(jobs.json().path("jobs")).hasSize(1);
            assertThat(jobs.at("/away/0/database")).isEqualTo("gone");
            assertThat(jobs.at("/away/0/detail")).isNotEmpty();
            assertThat(admin.get("/api/v1/events").at("/away/0/database")).isEqualTo("gone");
            assertThat(admin.get("/api/v1/jobs/fill").status()).isEqualTo(200);
            assertThat(admin.verb("fill", "start").status()).isEqualTo(200);
            Answer proof = admin.get("/api/v1/jobs/fill/proof");
            assertThat(proof.text())
                    .startsWith("{\"job\":\"fill\",\"proofs\":[],\"unchecked\":[\"here\"],\"checking\":[],");
            assertThat(proof.at("/away/0/database")).isEqualTo("gone");
            assertAway(admin.get("/api/v1/jobs/unknown/proof"));
            assertAway(admin.get("/api/v1/jobs/unknown"));
            assertAway(admin.get("/api/v1/jobs/unknown/runs"));
            assertAway(admin.get("/api/v1/runs/00000000-0000-7000-8000-000000000001"));
            assertAway(admin.verb("unknown", "start"));
            assertAway(admin.post("/api/v1/jobs/fill/start?database=gone", ""));
            assertAway(admin.send("DELETE", "/api/v1/jobs/unknown", ""));

            Answer stopped = admin.post("/api/v1/pause", "{\"reason\": \"now\"}");
            assertAway(stopped);
            assertThat(stopped.at("/databases/0/database")).isEqualTo("gone");
            assertThat(stopped.at("/databases/0/stopped")).isEqualTo("null");
            assertThat(stopped.at("/databases/1/stopped")).isEqualTo("true");
            assertThat(here.queryStrings("SELECT reason FROM backfill.switch")).containsExactly("now");

            Answer ready = admin.get("/health/ready");
            assertThat(ready.at("/databases/0/status")).isEqualTo("away");
            assertThat(ready.at("/databases/1/status")).isEqualTo("ready");
        }
    }

    @Test
    void a_database_that_fails_in_the_middle_is_a_503() throws SQLException {
        try (TestDatabase database = AdminServerTest.database(10);
                AdminFixture admin = AdminFixture.standing(Map.of("main", database.jdbcUrl()))) {
            assertThat(admin.put("fill", AdminServerTest.JOB.formatted("fill")).status())
                    .isEqualTo(201);
            database.execute("ALTER TABLE backfill.event RENAME TO event_gone");
            assertAway(admin.verb("fill", "start"));
            assertAway(admin.post("/api/v1/pause", ""));
            database.execute("ALTER SCHEMA backfill RENAME TO backfill_gone");
            assertAway(admin.get("/api/v1/jobs/fill"));
            assertAway(admin.put("fill", AdminServerTest.JOB.formatted("fill")));
            assertThat(admin.get("/api/v1/jobs").at("/away/0/detail"))
                    .isEqualTo("relation \"backfill.run\" does not exist (SQLSTATE 42P01)");
        }
    }

    @Test
    void a_database_that_nobody_has_tried_is_away() {
        try (AdminFixture admin = AdminFixture.untried(Map.of("main", AdminFixture.NOWHERE))) {
            assertThat(admin.get("/api/v1/jobs").text())
                    .isEqualTo("{\"jobs\":[],\"next\":null,\"away\":"
                            + "[{\"database\":\"main\",\"detail\":\"not tried yet\"}]}");
            assertAway(admin.get("/api/v1/jobs/fill"));
        }
    }

    private static void assertAway(Answer answer) {
        assertThat(answer.status()).as(answer.text()).isEqualTo(503);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.header("retry-after")).isEqualTo("5");
        assertThat(answer.at("/title")).isEqualTo("Database away");
        assertThat(answer.at("/detail")).containsPattern("gone|main");
    }

    private static List<JsonNode> all(AdminFixture admin, String path, String list) {
        List<JsonNode> all = new ArrayList<>();
        String next = "null";
        do {
            Answer page = admin.get(path + (next.equals("null") ? "" : "&after=" + next));
            assertThat(page.status()).as(page.text()).isEqualTo(200);
            all.addAll(nodes(page.json().path(list)));
            next = page.at("/next");
        } while (!next.equals("null"));
        return all;
    }

    private static List<JsonNode> nodes(JsonNode array) {
        return new ArrayList<>(array.values());
    }

    private static List<String> texts(List<JsonNode> nodes, String name) {
        return nodes.stream().map(node -> node.path(name).asString()).toList();
    }
}
