package dev.backfill.orchestrator.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GateTest {

    private final Gate gate = new Gate(List.of("Backfill.Example"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "localhost:8642",
                "LOCALHOST:1",
                "127.0.0.1",
                "127.0.0.1:8642",
                "[::1]",
                "[::1]:8642",
                "backfill.example",
                "BACKFILL.example:443"
            })
    void lets_in_the_names_that_are_its_own(String host) {
        assertPasses("GET", "Host", host);
        assertPasses("POST", "Host", host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "evil.example",
                "evil.example:8642",
                "localhost.evil.example",
                "evil.localhost",
                "localhost.",
                "localhost:8642:1",
                "localhost:evil",
                "localhost:",
                "localhost@evil.example",
                "[::1",
                "[::1].evil.example",
                "::1",
                "127.0.0.2",
                "0.0.0.0",
                "localhost, evil.example"
            })
    void keeps_out_every_other_name_whatever_is_asked(String host) {
        for (String method : List.of("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")) {
            assertRefused(method, "Host", host);
        }
    }

    @Test
    void keeps_out_who_names_no_host() {
        assertRefused("GET");
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:8642, http://localhost:8642",
        "localhost:8642, HTTP://LocalHost:8642",
        "localhost, http://localhost",
        "localhost:80, http://localhost",
        "localhost, https://localhost:443",
        "[::1]:8642, http://[::1]:8642",
        "backfill.example, https://backfill.example"
    })
    void lets_pages_of_its_own_change_things(String host, String origin) {
        assertPasses("POST", "Host", host, "Origin", origin);
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:8642, null",
        "localhost:8642, ''",
        "localhost:8642, http://evil.example",
        "localhost:8642, http://localhost",
        "localhost:8642, http://localhost:3000",
        "localhost:8642, http://127.0.0.1:8642",
        "localhost:8642, http://localhost:8642.evil.example",
        "localhost:8642, http://localhost:8642@evil.example",
        "localhost:8642, localhost:8642",
        "localhost:8642, ftp://localhost:8642",
        "localhost:8642, chrome-extension://localhost:8642",
        "localhost, https://localhost:80"
    })
    void keeps_changes_out_that_come_from_elsewhere(String host, String origin) {
        for (String method : List.of("POST", "PUT", "DELETE", "PATCH", "TRACE", "ANYTHING")) {
            assertRefused(method, "Host", host, "Origin", origin);
        }
        assertPasses("GET", "Host", host, "Origin", origin);
    }

    @Test
    void keeps_changes_out_that_the_browser_says_are_of_another_site() {
        assertRefused("POST", "Host", "localhost", "Sec-Fetch-Site", "cross-site");
        assertPasses("GET", "Host", "localhost", "Sec-Fetch-Site", "cross-site");
        for (String site : List.of("same-origin", "same-site", "none")) {
            assertPasses("POST", "Host", "localhost", "Sec-Fetch-Site", site);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "application/json",
        "'Application/JSON; charset=utf-8'",
        "application/yaml",
        "application/x-yaml",
        "text/yaml",
        "text/x-yaml"
    })
    void bodies_are_json_or_yaml(String type) {
        assertThat(Gate.wrongType(headers("Content-Length", "2", "Content-Type", type)))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=application/json",
                "text/plain;application/json",
                "application/jsonp"
            })
    void bodies_that_a_form_can_send_are_not_read(String type) {
        assertThat(Gate.wrongType(headers("Content-Length", "2", "Content-Type", type)))
                .hasValueSatisfying(why -> assertThat(why).contains("application/json"));
        assertThat(Gate.wrongType(headers("Transfer-Encoding", "chunked", "Content-Type", type)))
                .isPresent();
        assertThat(Gate.wrongType(headers("Content-Type", type))).as("no body").isEmpty();
        assertThat(Gate.wrongType(headers("Content-Length", "0", "Content-Type", type)))
                .as("no body")
                .isEmpty();
    }

    @Test
    void only_who_is_no_browser_may_send_a_body_without_a_type() {
        assertThat(Gate.wrongType(headers("Content-Length", "2"))).isEmpty();
        assertThat(Gate.wrongType(headers("Content-Length", "2", "Origin", "http://localhost")))
                .isPresent();
    }

    private void assertRefused(String method, String... headers) {
        assertThat(gate.refusal(method, headers(headers)))
                .as("%s %s", method, List.of(headers))
                .isPresent();
    }

    private void assertPasses(String method, String... headers) {
        assertThat(gate.refusal(method, headers(headers)))
                .as("%s %s", method, List.of(headers))
                .isEmpty();
    }

    private static UnaryOperator<@Nullable String> headers(String... headers) {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < headers.length; i += 2) {
            all.put(headers[i], headers[i + 1]);
        }
        return all::get;
    }
}
