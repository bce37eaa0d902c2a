package dev.backfill.orchestrator.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.orchestrator.client.AdminClient.Limits;
import dev.backfill.orchestrator.testing.Stranger;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What answers may be taken for a daemon's, and for how long they are waited for. */
@Timeout(20)
class AdminClientTest {

    private static final Timing TIMING = Timing.system();
    private static final Limits SHORT = new Limits(Duration.ofMillis(300), Duration.ofMillis(600), 1_000);
    private static final Limits LONG = new Limits(Duration.ofSeconds(5), Duration.ofSeconds(15), 1_000);
    private static final String GOOD = "application/json";
    private static final String PROBLEM = "application/problem+json";

    private final Stop stop = new Stop(TIMING);

    @Test
    void a_good_answer_has_its_lists() throws Exception {
        try (Stranger daemon =
                Stranger.saying(200, "Application/JSON; charset=utf-8", "{\"runs\": [], \"away\": []}")) {
            AdminClient client = client(daemon.address(), Optional.empty(), LONG);

            assertThat(client.get("/x", "runs", "away").path("runs").isArray()).isTrue();
            assertThat(client.post("/x", Map.of(), "runs").path("away").isArray())
                    .isTrue();
        }
    }

    @Test
    void what_was_registered_is_new_or_not() throws Exception {
        try (Stranger daemon = Stranger.saying(201, GOOD, "{}")) {
            assertThat(client(daemon.address(), Optional.empty(), LONG)
                            .put("/x", "")
                            .isNew())
                    .isTrue();
        }
        try (Stranger daemon = Stranger.saying(200, GOOD, "{\"changed\": true}")) {
            AdminClient.Registered registered =
                    client(daemon.address(), Optional.empty(), LONG).put("/x", "");
            assertThat(registered.isNew()).isFalse();
            assertThat(registered.answer().path("changed").asBoolean()).isTrue();
        }
    }

    @Test
    void what_was_removed_is_answered_by_nothing() throws Exception {
        try (Stranger daemon = Stranger.saying(204, "", "")) {
            client(daemon.address(), Optional.empty(), LONG).delete("/x", Map.of());
        }
        try (Stranger other = Stranger.saying(200, GOOD, "{}")) {
            AdminClient client = client(other.address(), Optional.empty(), LONG);
            RefusedException refused =
                    catchThrowableOfType(RefusedException.class, () -> client.delete("/x", Map.of()));
            assertRefused(refused, 4, "is no daemon of this program");
        }
        try (Stranger daemon = Stranger.saying(404, PROBLEM, "{\"title\": \"Not found\", \"status\": 404}")) {
            AdminClient client = client(daemon.address(), Optional.empty(), LONG);
            RefusedException refused =
                    catchThrowableOfType(RefusedException.class, () -> client.delete("/x", Map.of()));
            assertRefused(refused.and("look"), 2, "Not found; look");
            assertThat(refused.and("look").problem().path("status").asInt()).isEqualTo(404);
        }
    }

    @Test
    void a_list_is_read_over_its_pages_and_ends_with_its_last_items() throws Exception {
        Iterator<String> pages = List.of(
                        "{'events': [1, 2], 'next': 'b:2', 'away': [{'database': 'a', 'detail': 'x'}]}",
                        "{'events': [3], 'next': 'b:3', 'away': []}",
                        "{'events': [4], 'next': null, 'away': []}")
                .iterator();
        try (Stranger daemon = Stranger.acting(request -> pages.next().replace('\'', '"'))) {
            AdminClient client = client(daemon.address(), Optional.empty(), LONG);

            assertThat(new Pages(client, "/x?limit=2", "events").last(3).toString())
                    .isEqualTo(
                            "{'events':[2,3,4],'next':null,'away':[{'database':'a','detail':'x'}]}".replace('\'', '"'));
            assertThat(pages.hasNext()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../..", "a/b", "a b", "A", "-a", "a?database=b", "a%2fb"})
    void a_path_is_made_only_of_what_can_be_a_name(String job) {
        assertRefused(
                catchThrowableOfType(RefusedException.class, () -> AdminClient.job(job, "/pause")),
                2,
                "no job has a name like `" + job + "`");
    }

    @Test
    void an_answer_that_stalls_is_given_up() throws Exception {
        try (Stranger stalling = Stranger.stalling()) {
            assertRefused(refusal(stalling, SHORT), 4, "gave no whole answer in 600 ms");
        }
        try (Stranger silent = Stranger.silent()) {
            assertRefused(refusal(silent, SHORT), 4, "gave no whole answer in 600 ms");
        }
    }

    @Test
    void a_connection_that_is_not_taken_is_said_to_be_none() throws Exception {
        List<SocketChannel> before = new ArrayList<>();
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            for (int i = 0; i < 4; i++) {
                SocketChannel waiting = SocketChannel.open();
                waiting.configureBlocking(false);
                waiting.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), full.getLocalPort()));
                before.add(waiting);
            }
            AdminClient client = client("http://127.0.0.1:" + full.getLocalPort(), Optional.empty(), SHORT);

            assertRefused(refusal(client), 4, "cannot be reached in 300 ms");
        } finally {
            for (SocketChannel waiting : before) {
                waiting.close();
            }
        }
    }

    @Test
    void a_stop_ends_a_call_that_hangs() throws Exception {
        try (Stranger stalling = Stranger.stalling()) {
            AdminClient client = client(stalling.address(), Optional.empty(), LONG);
            Thread operator = new Thread(() -> {
                TIMING.await(stalling.asked(), Duration.ofSeconds(5));
                stop.request();
            });
            long start = TIMING.nanos();
            operator.start();

            assertThatThrownBy(() -> client.get("/x")).isInstanceOf(StoppedException.class);
            assertThat(TIMING.since(start)).isLessThan(Duration.ofSeconds(5));
            operator.join();
        }
    }

    @Test
    void an_answer_is_not_read_without_end() throws Exception {
        String list = "{\"runs\": []%s}";
        try (Stranger full = Stranger.saying(200, GOOD, list.formatted(" ".repeat(1_000 - 12)))) {
            assertThat(client(full.address(), Optional.empty(), LONG).get("/x", "runs"))
                    .isNotEmpty();
        }
        try (Stranger large = Stranger.saying(200, GOOD, list.formatted(" ".repeat(1_000 - 11)))) {
            assertRefused(refusal(large, LONG), 4, "no daemon of this program", "more than 1000 bytes", "status 200");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "200, application/json, '{}'",
        "200, application/json, '{\"runs\": {}}'",
        "200, application/json, '[]'",
        "200, application/json, '{\"runs\": ['",
        "200, application/json, ''",
        "200, text/html, '<html>'",
        "200, '', '{\"runs\": []}'",
        "204, '', ''",
        "302, text/html, ''",
        "404, application/json, '{\"title\": \"Not found\", \"detail\": \"x\"}'",
        "404, application/problem+json, '{\"message\": \"no\"}'",
        "404, application/problem+json, '{\"title\": 404}'",
        "404, application/problem+json, 'no'",
        "409, text/plain, 'no'",
        "502, text/html, '<html>'"
    })
    void what_is_no_answer_of_a_daemon_is_a_strangers(int status, String type, String body) throws Exception {
        try (Stranger stranger = Stranger.saying(status, type, body)) {
            assertRefused(
                    refusal(stranger, LONG),
                    4,
                    stranger.address() + " is no daemon of this program",
                    "status " + status);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "404, 2, '{\"title\": \"Not found\", \"detail\": \"no job\"}', Not found: no job",
        "404, 2, '{\"title\": \"Not found\"}', Not found",
        "404, 2, '{\"title\": \"Not found\", \"detail\": null}', Not found",
        "422, 2, '{\"title\": \"The job does not fit\"}', The job does not fit",
        "409, 4, '{\"title\": \"Not allowed\", \"detail\": \"it runs\"}', Not allowed: it runs",
        "503, 4, '{\"title\": \"Database away\"}', Database away"
    })
    void a_refusal_is_told_as_the_daemon_says_it(int status, int exit, String body, String said) throws Exception {
        try (Stranger daemon = Stranger.saying(status, PROBLEM, body)) {
            RefusedException refused = refusal(daemon, LONG);

            assertThat(refused.exitCode()).isEqualTo(exit);
            assertThat(refused).hasMessage(said);
        }
    }

    @ParameterizedTest
    @CsvSource({"401, text/html, ''", "403, text/html, ''", "401, application/problem+json, '{\"title\": \"Who?\"}'"})
    void who_wants_a_token_names_the_variable(int status, String type, String body) throws Exception {
        try (Stranger closed = Stranger.saying(status, type, body)) {
            assertRefused(refusal(closed, LONG), 4, closed.address() + " wants a token, set BACKFILL_TOKEN");

            RefusedException refused = refusal(client(closed.address(), Optional.of("s3cret"), LONG));
            assertRefused(refused, 4, closed.address() + " does not accept the token of BACKFILL_TOKEN");
            assertThat(refused.getMessage()).doesNotContain("s3cret");
        }
    }

    @Test
    void a_daemon_that_forbids_says_why() throws Exception {
        String body = "{\"title\": \"Forbidden\", \"detail\": \"the Host header names `x`\"}";
        try (Stranger daemon = Stranger.saying(403, PROBLEM, body)) {
            assertRefused(refusal(daemon, LONG), 4, "Forbidden: the Host header names `x` (BACKFILL_TOKEN is not set)");
            assertRefused(
                    refusal(client(daemon.address(), Optional.of("s3cret"), LONG)),
                    4,
                    "Forbidden: the Host header names `x` (asked with the token of BACKFILL_TOKEN)");
        }
    }

    private AdminClient client(String address, Optional<String> token, Limits limits) {
        return new AdminClient(URI.create(address), token, limits, TIMING, stop);
    }

    private RefusedException refusal(Stranger stranger, Limits limits) {
        return refusal(client(stranger.address(), Optional.empty(), limits));
    }

    private static RefusedException refusal(AdminClient client) {
        return catchThrowableOfType(RefusedException.class, () -> client.get("/api/v1/x", "runs"));
    }

    private static void assertRefused(RefusedException refused, int exit, String... said) {
        assertThat(refused).isNotNull();
        assertThat(refused.getMessage()).contains(said);
        assertThat(refused.exitCode()).isEqualTo(exit);
    }
}
