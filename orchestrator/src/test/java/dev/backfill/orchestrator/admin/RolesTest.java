package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.access.Admission;
import dev.backfill.orchestrator.access.Attempts;
import dev.backfill.orchestrator.access.Caller;
import dev.backfill.orchestrator.access.Role;
import dev.backfill.orchestrator.access.Token;
import dev.backfill.orchestrator.access.Tokens;
import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import dev.backfill.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each route by each role. */
class RolesTest {

    /** What each route is for; a route that is not here fails. */
    private static final Map<String, Set<String>> ROUTES = Map.of(
            "NOTHING",
                    Set.of(
                            "GET /",
                            "GET /openapi.json",
                            "GET /page.css",
                            "GET /icon.svg",
                            "GET /page.js",
                            "GET /api.js",
                            "GET /charts.js",
                            "GET /databases.js",
                            "GET /door.js",
                            "GET /jobs.js",
                            "GET /one.js",
                            "GET /parts.js",
                            "GET /uplot.js",
                            "GET /uplot.css"),
            "PROBE", Set.of("GET /metrics", "GET /health/live", "GET /health/ready"),
            "VIEWER",
                    Set.of(
                            "GET /api/v1/jobs",
                            "GET /api/v1/jobs/{job}",
                            "GET /api/v1/jobs/{job}/runs",
                            "GET /api/v1/jobs/{job}/proof",
                            "GET /api/v1/runs/{run}",
                            "GET /api/v1/runs/{run}/slices",
                            "GET /api/v1/runs/{run}/quarantine",
                            "GET /api/v1/runs/{run}/report",
                            "GET /api/v1/databases",
                            "GET /api/v1/events",
                            "GET /api/v1/stream"),
            "OPERATOR",
                    Set.of(
                            "POST /api/v1/jobs/{job}/start",
                            "POST /api/v1/jobs/{job}/pause",
                            "POST /api/v1/jobs/{job}/resume",
                            "POST /api/v1/jobs/{job}/cancel",
                            "POST /api/v1/jobs/{job}/retry",
                            "POST /api/v1/jobs/{job}/verify",
                            "PATCH /api/v1/jobs/{job}/tuning",
                            "POST /api/v1/pause",
                            "POST /api/v1/resume",
                            "DELETE /api/v1/databases/{database}/standbys/{name}"),
            "ADMIN", Set.of("PUT /api/v1/jobs/{job}", "DELETE /api/v1/jobs/{job}"));

    private static final Set<String> METHODS = Set.of("GET", "POST", "PUT", "PATCH", "DELETE");
    private static final Map<Role, String> TOKENS =
            Map.of(Role.VIEWER, Token.make(), Role.OPERATOR, Token.make(), Role.ADMIN, Token.make());
    private static final String RUN = "00000000-0000-7000-8000-000000000001";

    private AdminFixture admin = guarded(Optional.empty(), false);

    @AfterEach
    void end() {
        admin.close();
    }

    @Test
    void every_route_says_what_it_needs() {
        Set<String> served = new TreeSet<>(admin.server().routes().stream()
                .filter(route -> METHODS.contains(route.method.name()))
                .map(route -> route.method.name() + " " + route.path)
                .toList());
        Set<String> known =
                ROUTES.values().stream().flatMap(Set::stream).collect(Collectors.toCollection(TreeSet::new));

        assertThat(served).isEqualTo(known);
    }

    @Test
    void each_role_is_let_in_where_it_may_and_nowhere_else() {
        assertServed(Map.of("PROBE", "VIEWER", "VIEWER", "VIEWER", "OPERATOR", "OPERATOR", "ADMIN", "ADMIN"));
    }

    @Test
    void probes_are_open_where_the_settings_say_so() {
        admin.close();
        admin = guarded(Optional.empty(), true);

        assertServed(Map.of("VIEWER", "VIEWER", "OPERATOR", "OPERATOR", "ADMIN", "ADMIN"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"VIEWER", "OPERATOR", "ADMIN"})
    void who_sends_no_token_has_the_role_of_the_settings(String role) {
        admin.close();
        admin = guarded(Optional.of(Role.valueOf(role)), true);

        each((needs, route) -> {
            boolean allowed = Set.of("NOTHING", "PROBE").contains(needs)
                    || Role.valueOf(role).allows(Role.valueOf(needs));
            assertThat(ask(route).status())
                    .as(route)
                    .satisfies(status -> assertThat(status == 401).isEqualTo(!allowed));
        });
    }

    private void assertServed(Map<String, String> needed) {
        each((needs, route) -> {
            Optional<Role> role = Optional.ofNullable(needed.get(needs)).map(Role::valueOf);
            Answer anonymous = ask(route);
            assertThat(anonymous.status() == 401).as("%s: %s", route, anonymous).isEqualTo(role.isPresent());
            if (role.isPresent()) {
                assertThat(anonymous.header("WWW-Authenticate")).isEqualTo("Bearer");
                assertThat(ask(route, "Authorization", "Bearer " + Token.make()).status())
                        .as("%s, forged", route)
                        .isIn(401, 429);
            }
            TOKENS.forEach((has, token) -> {
                Answer answer = ask(route, "Authorization", "Bearer " + token);
                boolean allowed = role.isEmpty() || has.allows(role.get());
                assertThat(answer.status())
                        .as("%s by %s: %s", route, has, answer)
                        .isNotIn(401, 429);
                assertThat(answer.status() == 403)
                        .as("%s by %s: %s", route, has, answer)
                        .isEqualTo(!allowed);
            });
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"Basic %s", "Bearer", "Bearer  ", "%s", "Bearer %s x", "Bearer x%s", "Bearer %s."})
    void what_is_no_known_token_is_refused(String header) {
        String token = TOKENS.get(Role.ADMIN);

        Answer answer = admin.send("GET", "/api/v1/jobs", "", "Authorization", header.formatted(token));

        assertThat(answer.status()).as(answer.text()).isEqualTo(401);
        assertThat(answer.at("/detail")).contains("not known here");
        assertThat(answer.text()).doesNotContain(String.valueOf(token));
    }

    @Test
    void the_scheme_is_read_as_http_has_it() {
        assertThat(admin.send("GET", "/api/v1/jobs", "", "Authorization", "bearer " + TOKENS.get(Role.VIEWER))
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"HEAD", "OPTIONS", "TRACE", "BEFORE", "AFTER", "BEFORE_MATCHED", "WEBSOCKET_BEFORE", "ANY"})
    void no_other_methods_are_served(String method) throws IOException {
        assertThat(admin.raw(method + " /api/v1/jobs HTTP/1.1", "Host: localhost"))
                .matches("(?s)HTTP/1.1 (405|501|400) .*");
    }

    @Test
    void a_request_has_one_method() {
        Answer answer = admin.send(
                "GET",
                "/api/v1/pause",
                "",
                "X-HTTP-Method-Override",
                "POST",
                "Authorization",
                "Bearer " + TOKENS.get(Role.ADMIN));

        assertThat(answer.status()).as(answer.text()).isEqualTo(405);
    }

    @Test
    void two_tokens_are_none() throws IOException {
        String header = "Authorization: Bearer " + TOKENS.get(Role.VIEWER);

        assertThat(admin.raw("GET /api/v1/jobs HTTP/1.1", "Host: localhost", header, header))
                .startsWith("HTTP/1.1 401 ");
    }

    @Test
    void who_tries_tokens_has_to_wait_and_whose_token_is_known_has_not() {
        for (int i = 1; i < Attempts.MOST; i++) {
            assertThat(forged().status()).isEqualTo(401);
        }

        Answer waits = forged();

        assertThat(waits.status()).isEqualTo(429);
        assertThat(waits.header("Retry-After")).isEqualTo("1");
        assertThat(admin.send("GET", "/api/v1/jobs", "", "Authorization", "Bearer " + TOKENS.get(Role.VIEWER))
                        .status())
                .isEqualTo(200);
        assertThat(admin.get("/api/v1/jobs").status()).as("without a token").isEqualTo(401);
        assertThat(admin.get("/").status()).isEqualTo(200);
    }

    @Test
    void the_audit_log_names_the_owner_of_the_token() throws Exception {
        admin.close();
        try (TestDatabase database = AdminServerTest.database(100);
                AdminFixture working =
                        AdminFixture.working(Map.of("main", database.jdbcUrl()), admission(Optional.empty(), true))) {
            String owner = "Bearer " + TOKENS.get(Role.ADMIN);
            assertThat(working.send(
                                    "PUT",
                                    "/api/v1/jobs/fill",
                                    AdminServerTest.JOB.formatted("fill"),
                                    "Authorization",
                                    owner)
                            .status())
                    .isEqualTo(201);
            working.send("POST", "/api/v1/pause", "{\"reason\": \"a storm\"}", "Authorization", owner);

            assertThat(database.queryStrings("SELECT DISTINCT who FROM backfill.event WHERE who LIKE '%at 127%'"))
                    .containsExactly("admin@shop.example at 127.0.0.1");
        }
    }

    private Answer forged() {
        return admin.send("GET", "/api/v1/jobs", "", "Authorization", "Bearer " + Token.make());
    }

    private interface Check {
        void of(String needs, String route);
    }

    private static void each(Check check) {
        ROUTES.forEach((needs, routes) -> routes.forEach(route -> check.of(needs, route)));
    }

    private Answer ask(String route, String... headers) {
        String path = route.substring(route.indexOf(' ') + 1)
                .replace("{job}", "none")
                .replace("{run}", RUN)
                .replaceAll("\\{[a-z]+}", "none")
                .replaceAll("stream$", "stream?after=ends-at-once");
        return admin.send(route.substring(0, route.indexOf(' ')), path, "", headers);
    }

    private static Admission admission(Optional<Role> anonymous, boolean openProbes) {
        List<Tokens.Known> known = TOKENS.entrySet().stream()
                .map(token -> new Tokens.Known(
                        new Caller(token.getKey().word() + "@shop.example", token.getKey()),
                        Token.sha256(token.getValue())))
                .toList();
        return new Admission(new Tokens(known), anonymous, openProbes);
    }

    private static AdminFixture guarded(Optional<Role> anonymous, boolean openProbes) {
        return AdminFixture.untried(Map.of(), admission(anonymous, openProbes));
    }
}
