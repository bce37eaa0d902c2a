package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.admin.AdminFixture.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How streams are served; what they tell shows with a whole daemon. */
class StreamRouteTest {

    private static final Duration SOON = Duration.ofSeconds(20);

    @Test
    void a_stream_begins_at_once_shows_signs_of_life_and_ends_with_the_server() throws Exception {
        AdminFixture admin = AdminFixture.untried(Map.of());
        try (Socket client = stream(admin, "localhost")) {
            String begun = until(client, "}\n\n");
            assertThat(begun.toLowerCase(java.util.Locale.ROOT))
                    .startsWith("http/1.1 200")
                    .contains("content-type: text/event-stream")
                    .contains("cache-control: no-store\r\n")
                    .contains("x-content-type-options: nosniff\r\n")
                    .contains("x-accel-buffering: no\r\n");
            assertThat(begun).contains("event: hello\ndata: {\"now\":\"20");
            until(client, ": heartbeat\n\n");

            long before = System.nanoTime();
            admin.close();
            readToTheEnd(client);
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(1));
        } finally {
            admin.close();
        }
    }

    @Test
    void there_is_an_end_of_streams_and_room_again_when_some_have_gone() throws Exception {
        List<Socket> clients = new ArrayList<>();
        try (AdminFixture admin = AdminFixture.untried(Map.of())) {
            for (int i = 0; i < 200; i++) {
                clients.add(stream(admin, "localhost"));
            }
            for (Socket client : clients) {
                until(client, "}\n\n");
            }

            Answer refused = admin.get("/api/v1/stream");

            assertThat(refused.status()).as(refused.text()).isEqualTo(503);
            assertThat(refused.header("content-type")).isEqualTo("application/problem+json");
            assertThat(refused.header("retry-after")).isEqualTo("5");
            assertThat(admin.get("/health/live").status()).isEqualTo(200);
            for (Socket client : clients) {
                client.close();
            }
            await().dontCatchUncaughtExceptions().atMost(SOON).until(() -> {
                try (Socket client = stream(admin, "localhost")) {
                    return until(client, "\n").startsWith("HTTP/1.1 200");
                }
            });
        } finally {
            for (Socket client : clients) {
                client.close();
            }
        }
    }

    /** They leave no connection to spare, and then all that are idle are dropped after a second. */
    @Test
    void clients_that_send_half_a_request_cut_no_stream() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try (AdminFixture admin = AdminFixture.untried(Map.of());
                Socket client = stream(admin, "localhost")) {
            until(client, "}\n\n");
            for (int i = 0; i < 300; i++) {
                slow.add(
                        send(admin, "PUT /api/v1/jobs/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nv"));
            }
            assertThat(admin.get("/health/live").status()).isEqualTo(200);

            until(client, ": heartbeat\n\n");
            until(client, ": heartbeat\n\n");
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void who_asks_by_another_name_is_kept_out() throws Exception {
        try (AdminFixture admin = AdminFixture.untried(Map.of());
                Socket client = stream(admin, "evil.example")) {
            assertThat(until(client, "\n")).startsWith("HTTP/1.1 403");
        }
    }

    private static Socket stream(AdminFixture admin, String host) throws IOException {
        return send(admin, "GET /api/v1/stream HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    }

    private static Socket send(AdminFixture admin, String text) throws IOException {
        Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), admin.server().port());
        socket.setSoTimeout((int) SOON.toMillis());
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static String until(Socket client, String end) throws IOException {
        StringBuilder read = new StringBuilder();
        InputStream in = client.getInputStream();
        while (!read.toString().endsWith(end)) {
            int next = in.read();
            assertThat(next).as("after %s", read).isNotNegative();
            read.append((char) next);
        }
        return read.toString();
    }

    private static void readToTheEnd(Socket client) {
        try {
            client.getInputStream().readAllBytes();
        } catch (java.net.SocketException e) {
            // cut
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
