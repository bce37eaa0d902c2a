package dev.backfill.orchestrator.outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.policy.OutsideSignal.Http;
import dev.backfill.orchestrator.policy.OutsideSignal.Prometheus;
import dev.backfill.orchestrator.testing.OddServer;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers that answer as they should not. */
@Timeout(120)
class ExchangeTest {

    private static final String SECRET = "SECRET";
    private static final int MOST = 64 * 1024;

    private final Exchange exchange = new Exchange(new LinkLocal(Set.of()), Timing.system());
    private final CountDownLatch never = new CountDownLatch(1);
    private OddServer server;

    @BeforeEach
    void start() throws Exception {
        server = new OddServer();
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
    }

    @Test
    void what_is_answered_is_taken_and_a_token_says_who_asks() throws Exception {
        server.at("/", 200, "it is " + "x".repeat(MOST - 6));

        Exchange.Answer answer = exchange.get(uri("/?a=b"), Optional.of("abc.def"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).startsWith("it is x").hasSize(MOST);
        assertThat(server.requests())
                .singleElement()
                .asString()
                .contains("GET /?a=b ", "Authorization: Bearer abc.def");
        assertThat(exchange.get(uri("/nowhere"), Optional.empty()).status()).isEqualTo(404);
        assertThat(server.requests().get(1)).doesNotContain("Authorization");
    }

    @Test
    void one_byte_too_many_is_refused_with_its_length_said_or_not() {
        server.at("/said", 200, SECRET.repeat(MOST).substring(0, MOST + 1));
        server.at("/unsaid", out -> {
            out.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.write(SECRET.repeat(MOST).substring(0, MOST + 1).getBytes(StandardCharsets.US_ASCII));
        });
        server.at("/endless", ExchangeTest::writeForEver);

        assertUnreadable("/said", "answers more than 64 kB");
        assertUnreadable("/unsaid", "answers more than 64 kB");
        assertUnreadable("/endless", "answers more than 64 kB");
    }

    @Test
    void no_redirect_is_followed() throws Exception {
        server.at("/", out -> OddServer.write(out, 302, SECRET, "Location: " + server.url("/secret")));
        server.at("/secret", 200, SECRET);

        assertThat(exchange.get(uri("/"), Optional.empty()).status()).isEqualTo(302);
        assertThat(server.requests()).hasSize(1);
    }

    /** The limit is what is measured; a loaded machine adds to it. */
    @Test
    void all_of_an_answer_has_two_seconds() {
        server.at("/late", out -> never.await());
        server.at("/dribble", out -> {
            OutputStream slow = out;
            slow.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < 1_000; i++) {
                slow.write('S');
                slow.flush();
                Thread.sleep(1_000);
            }
        });
        server.at("/head", out -> {
            for (byte b : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)) {
                out.write(b);
                out.flush();
                Thread.sleep(1_000);
            }
        });
        for (String path : new String[] {"/late", "/dribble", "/head"}) {
            long begun = System.nanoTime();
            assertUnreadable(path, "does not answer within 2 s");
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .as(path)
                    .isBetween(Duration.ofMillis(1_900), Duration.ofSeconds(12));
        }
    }

    @Test
    void an_answer_that_ends_too_soon_is_none() {
        server.at(
                "/middle",
                out -> out.write(("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + SECRET)
                        .getBytes(StandardCharsets.US_ASCII)));
        server.at("/nothing", out -> {});
        server.at("/nonsense", out -> out.write((SECRET + " 7\r\n\r\n").getBytes(StandardCharsets.US_ASCII)));

        for (String path : new String[] {"/middle", "/nothing", "/nonsense"}) {
            assertUnreadable(path, "breaks off, or does not answer as HTTP says");
        }
    }

    @Test
    void nobody_there_is_no_answer() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        assertUnreadable(URI.create("http://127.0.0.1:" + port + "/" + SECRET), "cannot be reached");
        String host = "x".repeat(64) + ".invalid"; // a name that is too long to be looked up anywhere
        assertUnreadable(URI.create("http://" + host + "/" + SECRET), "nobody knows where " + host + " is");
    }

    @Test
    void who_does_not_speak_tls_is_not_trusted() throws Exception {
        try (ServerSocket plain = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            Thread server = new Thread(() -> {
                try (Socket socket = plain.accept()) {
                    OddServer.write(socket.getOutputStream(), 400, SECRET);
                    socket.getInputStream().readAllBytes();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            server.setDaemon(true);
            server.start();
            assertUnreadable(URI.create("https://127.0.0.1:" + plain.getLocalPort() + "/"), "cannot be trusted");
        }
    }

    @Test
    void addresses_of_the_link_are_not_asked() {
        URI metadata = URI.create("http://169.254.169.254:1/latest/" + SECRET);
        assertUnreadable(metadata, "throttle.link-local has to list it");
        assertUnreadable(URI.create("http://2852039166:1/"), "its host is at 169.254.169.254");
        assertUnreadable(URI.create("http://[fe80::1]:1/"), "throttle.link-local has to list it");
    }

    /** What hung is given up, and the next one is asked anew. */
    @Test
    void after_a_failure_it_goes_on() throws Exception {
        server.at("/", out -> never.await());
        assertUnreadable("/", "does not answer within 2 s");
        server.at("/", 204, "");

        assertThat(exchange.get(uri("/"), Optional.empty()).status()).isEqualTo(204);
    }

    @Test
    void a_gate_says_yes_by_2xx_alone() throws Exception {
        HttpReader gate = new HttpReader(exchange, new Http(uri("/gate"), Optional.empty()));
        for (int status : new int[] {200, 204, 299}) {
            server.at("/gate", status, "");
            assertThat(gate.read().alarm()).as("%d", status).isEmpty();
        }
        for (int status : new int[] {301, 304, 401, 404, 500, 503}) {
            server.at("/gate", status, status == 304 ? "" : SECRET);
            assertThat(gate.read().alarm()).contains("it answers " + status);
            assertThat(gate.read().value()).isEqualTo(status);
        }
        server.at("/gate", out -> {});
        assertThatThrownBy(gate::read).isInstanceOf(UnreadableException.class);
    }

    @Test
    void a_prometheus_server_behind_a_path_is_asked_there() throws Exception {
        Prometheus asked = new Prometheus(uri("/behind/"), "max(up{a=\"+ &\"})", Optional.of("token"));
        PrometheusReader reader = new PrometheusReader(exchange, asked);
        server.at("/behind/api/v1/query", 200, """
                {"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}""");
        assertThat(reader.read().value()).isEqualTo(7);
        assertThat(server.requests())
                .singleElement()
                .asString()
                .contains("query=max%28up%7Ba%3D%22%2B+%26%22%7D%29 ", "Authorization: Bearer token");

        server.at("/behind/api/v1/query", 400, SECRET);
        assertThatThrownBy(reader::read).hasMessage("Prometheus answers 400: its query is not right");
        server.at("/behind/api/v1/query", 302, SECRET);
        assertThatThrownBy(reader::read).hasMessage("Prometheus answers 302");
        assertThat(asked.toString()).doesNotContain("token");
    }

    private static void writeForEver(OutputStream out) throws IOException {
        out.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] much = SECRET.repeat(1_000).getBytes(StandardCharsets.US_ASCII);
        while (true) {
            out.write(much);
        }
    }

    private void assertUnreadable(String path, String why) {
        assertUnreadable(uri(path), why);
    }

    private void assertUnreadable(URI uri, String why) {
        assertThatThrownBy(() -> exchange.get(uri, Optional.of(SECRET)))
                .isInstanceOf(UnreadableException.class)
                .hasMessageContaining(why)
                .hasMessageNotContaining(SECRET)
                .hasNoCause();
    }

    private URI uri(String path) {
        return URI.create(server.url(path));
    }
}
