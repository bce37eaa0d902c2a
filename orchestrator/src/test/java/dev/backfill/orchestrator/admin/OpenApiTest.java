package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.networknt.schema.Error;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.testing.TestDatabase;
import io.javalin.router.Endpoint;
import io.javalin.security.Roles;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The description of the admin API is that of what is served: the same routes, roles and answers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiTest {

    private static final Set<String> METHODS = Set.of("GET", "POST", "PUT", "PATCH", "DELETE");

    private TestDatabase database;
    private AdminFixture admin;
    private JsonNode document;
    private String run;

    @BeforeAll
    void start() throws Exception {
        database = AdminServerTest.database(100);
        admin = AdminFixture.working(Map.of("main", database.jdbcUrl()));
        document = admin.get("/openapi.json").json();
        assertAnswers("PUT", "/api/v1/jobs/{job}", admin.put("fill", AdminServerTest.JOB.formatted("fill")));
        assertAnswers("POST", "/api/v1/jobs/{job}/start", admin.verb("fill", "start"));
        await().atMost(Duration.ofSeconds(20))
                .until(() -> admin.get("/api/v1/jobs/fill").at("/runs/0/state").equals("SUCCEEDED"));
        run = admin.get("/api/v1/jobs/fill").at("/runs/0/id");
    }

    @AfterAll
    void end() throws Exception {
        admin.close();
        database.close();
    }

    @Test
    void it_describes_every_route_with_its_role_and_no_other() {
        Map<String, String> served = new TreeMap<>();
        for (Endpoint route : admin.server().routes()) {
            boolean ofPage = route.method.name().equals("GET")
                    && (route.path.equals("/") || route.path.matches("/[a-z]+\\.(js|css|svg)"));
            if (METHODS.contains(route.method.name()) && !ofPage) {
                Needs needs = (Needs)
                        route.metadata(Roles.class).getRoles().iterator().next();
                served.put(route.method.name() + " " + route.path, needs.name().toLowerCase(Locale.ROOT));
            }
        }
        Map<String, String> described = new TreeMap<>();
        document.path("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .properties()
                        .forEach(operation -> described.put(
                                operation.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey(),
                                operation.getValue().path("x-role").asString())));

        assertThat(described).isEqualTo(served);
    }

    @ParameterizedTest
    @CsvSource({
        "/api/v1/jobs, /api/v1/jobs",
        "/api/v1/jobs/{job}, /api/v1/jobs/fill",
        "/api/v1/jobs/{job}, /api/v1/jobs/none",
        "/api/v1/jobs/{job}/runs, /api/v1/jobs/fill/runs?limit=1",
        "/api/v1/jobs/{job}/runs, /api/v1/jobs/fill/runs?limit=0",
        "/api/v1/jobs/{job}/proof, /api/v1/jobs/fill/proof",
        "/api/v1/runs/{run}, /api/v1/runs/RUN",
        "/api/v1/runs/{run}/slices, /api/v1/runs/RUN/slices",
        "/api/v1/runs/{run}/quarantine, /api/v1/runs/RUN/quarantine",
        "/api/v1/runs/{run}/report, /api/v1/runs/RUN/report",
        "/api/v1/databases, /api/v1/databases",
        "/api/v1/events, /api/v1/events?job=fill",
        "/api/v1/events, /api/v1/events?after=x",
        "/health/live, /health/live",
        "/health/ready, /health/ready",
        "/openapi.json, /openapi.json"
    })
    void what_is_answered_is_what_it_says(String path, String asked) {
        assertAnswers("GET", path, admin.get(asked.replace("RUN", run)));
    }

    @Test
    void what_changes_answers_what_it_says() {
        assertAnswers("POST", "/api/v1/pause", admin.post("/api/v1/pause", "{\"reason\": \"a storm\"}"));
        assertAnswers("POST", "/api/v1/resume", admin.post("/api/v1/resume", ""));
        assertAnswers("POST", "/api/v1/jobs/{job}/pause", admin.verb("fill", "pause"));
        assertAnswers("POST", "/api/v1/jobs/{job}/verify", admin.verb("fill", "verify"));
        assertAnswers("POST", "/api/v1/jobs/{job}/resume", admin.post("/api/v1/jobs/fill/resume", "{\"x\": 1}"));
        assertAnswers(
                "PATCH",
                "/api/v1/jobs/{job}/tuning",
                admin.send("PATCH", "/api/v1/jobs/fill/tuning", "{\"parallelism\": 2}"));
        assertAnswers("PUT", "/api/v1/jobs/{job}", admin.put("fill", "job: other"));
        assertAnswers("PUT", "/api/v1/jobs/{job}", admin.put("fill", AdminServerTest.JOB.formatted("fill")));
        assertAnswers(
                "DELETE",
                "/api/v1/databases/{database}/standbys/{name}",
                admin.send("DELETE", "/api/v1/databases/main/standbys/none", ""));
    }

    private void assertAnswers(String method, String path, Answer answer) {
        JsonNode response = document.path("paths")
                .path(path)
                .path(method.toLowerCase(Locale.ROOT))
                .path("responses")
                .path(Integer.toString(answer.status()));
        assertThat(response.isMissingNode())
                .as("%s %s may answer %d: %s", method, path, answer.status(), answer.text())
                .isFalse();
        JsonNode described = response.has("$ref")
                ? document.at(response.path("$ref").asString().substring(1))
                : response;
        String type = answer.header("Content-Type").split(";", 2)[0];
        JsonNode schema = described.path("content").path(type).path("schema");
        assertThat(schema.isMissingNode()).as("%s %s: %s", method, path, answer).isFalse();

        assertThat(errors(schema, answer.json()))
                .as("%s %s: %s", method, path, answer.text())
                .isEmpty();
    }

    /** By the schema, with the components that it names beside it. */
    private List<Error> errors(JsonNode schema, JsonNode answer) {
        ObjectNode whole = ((ObjectNode) schema).deepCopy();
        whole.set("components", document.path("components"));
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(whole)
                .validate(answer);
    }
}
