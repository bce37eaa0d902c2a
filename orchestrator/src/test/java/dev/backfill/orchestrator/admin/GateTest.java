package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
        assertThatCode(() -> check("GET", "Host", host)).doesNotThrowAnyException();
        assertThatCode(() -> check("POST", "Host", host)).doesNotThrowAnyException();
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
        assertThatCode(() -> check("POST", "Host", host, "Origin", origin)).doesNotThrowAnyException();
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
        assertThatCode(() -> check("GET", "Host", host, "Origin", origin)).doesNotThrowAnyException();
    }

    @Test
    void keeps_changes_out_that_the_browser_says_are_of_another_site() {
        assertRefused("POST", "Host", "localhost", "Sec-Fetch-Site", "cross-site");
        assertThatCode(() -> check("GET", "Host", "localhost", "Sec-Fetch-Site", "cross-site"))
                .doesNotThrowAnyException();
        for (String site : List.of("same-origin", "same-site", "none")) {
            assertThatCode(() -> check("POST", "Host", "localhost", "Sec-Fetch-Site", site))
                    .doesNotThrowAnyException();
        }
    }

    private void assertRefused(String method, String... headers) {
        HttpProblem problem = catchThrowableOfType(HttpProblem.class, () -> check(method, headers));
        assertThat(problem).as("%s %s", method, List.of(headers)).isNotNull();
        assertThat(problem.status()).isEqualTo(403);
    }

    private void check(String method, String... headers) {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < headers.length; i += 2) {
            all.put(headers[i], headers[i + 1]);
        }
        gate.check(method, all::get);
    }
}
