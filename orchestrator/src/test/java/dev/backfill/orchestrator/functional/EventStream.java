package dev.backfill.orchestrator.functional;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of a daemon's stream, which keeps what it is told. */
final class EventStream implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final HttpResponse<InputStream> response;
    private final List<Told> told = new ArrayList<>();
    private String id = "";
    private int heartbeats;
    private boolean ended;

    /**
     * Something that it was told.
     *
     * @param kind of the event
     * @param id from where it would go on
     * @param data what is said
     */
    record Told(String kind, String id, JsonNode data) {

        /** A text in the data. */
        String at(String pointer) {
            JsonNode node = data.at(pointer);
            return node.isString() ? node.asString() : node.toString();
        }

        boolean is(String what) {
            return kind.equals(what);
        }
    }

    private EventStream(HttpResponse<InputStream> response) {
        this.response = response;
        Thread reader = new Thread(this::read, "reader of " + response.uri());
        reader.setDaemon(true);
        reader.start();
    }

    /** Asks a daemon for its stream, with these parameters and headers. */
    static EventStream open(Daemon daemon, String parameters, String... headers) throws Exception {
        HttpResponse<InputStream> response = ask(daemon, parameters, headers);
        assertThat(response.statusCode()).isEqualTo(200);
        return new EventStream(response);
    }

    /** Asks a daemon for its stream behind an id, as a client does that comes back. */
    static EventStream resume(Daemon daemon, String id) throws Exception {
        return open(daemon, "", "Last-Event-ID", id);
    }

    static HttpResponse<InputStream> ask(Daemon daemon, String parameters, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(daemon.address() + "/api/v1/stream" + parameters))
                .timeout(PATIENCE);
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return CLIENT.send(request.build(), BodyHandlers.ofInputStream());
    }

    private void read() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            String kind = "";
            StringBuilder data = new StringBuilder();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.startsWith("event: ")) {
                    kind = line.substring("event: ".length());
                } else if (line.startsWith("data: ")) {
                    data.append(line.substring("data: ".length()));
                } else if (line.startsWith("id: ")) {
                    goOn(line.substring("id: ".length()));
                } else if (line.startsWith(":")) {
                    beat();
                } else if (line.isEmpty() && !data.isEmpty()) {
                    hear(kind, data.toString());
                    data.setLength(0);
                } else {
                    assertThat(line).isEmpty();
                }
            }
        } catch (IOException e) {
            // the daemon is gone
        }
        end();
    }

    private synchronized void goOn(String from) {
        id = from;
    }

    private synchronized void beat() {
        heartbeats++;
    }

    private synchronized void hear(String kind, String data) {
        told.add(new Told(kind, id, JsonMapper.shared().readTree(data)));
    }

    private synchronized void end() {
        ended = true;
    }

    HttpResponse<InputStream> response() {
        return response;
    }

    /** From where a client that comes back goes on. */
    synchronized String id() {
        return id;
    }

    synchronized int heartbeats() {
        return heartbeats;
    }

    synchronized boolean isEnded() {
        return ended;
    }

    /** Everything that it was told until now. */
    synchronized List<Told> told() {
        return List.copyOf(told);
    }

    /** All of a kind. */
    List<Told> told(String kind) {
        return told().stream().filter(each -> each.is(kind)).toList();
    }

    /** The ids of the events that it was told, as they came. */
    List<Long> events() {
        return told("event").stream()
                .map(each -> each.data().path("id").asLong())
                .toList();
    }

    /** The latest that it was told of a job; a missing node before the first. */
    JsonNode job(String name) {
        return told("job").stream()
                .map(Told::data)
                .filter(job -> job.path("job").asString("").equals(name))
                .reduce((first, second) -> second)
                .orElse(JsonMapper.shared().missingNode());
    }

    /** Waits until it is told something. */
    Told await(String kind, Predicate<Told> wanted) {
        until(() -> find(kind, wanted).isPresent());
        return find(kind, wanted).orElseThrow();
    }

    private Optional<Told> find(String kind, Predicate<Told> wanted) {
        return told(kind).stream().filter(wanted).findFirst();
    }

    /** Waits until the rest of what it is told is so. */
    void until(java.util.concurrent.Callable<Boolean> so) {
        try {
            org.awaitility.Awaitility.await()
                    .dontCatchUncaughtExceptions()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(50))
                    .until(so);
        } catch (org.awaitility.core.ConditionTimeoutException e) {
            List<Told> all = told();
            throw new AssertionError(
                    "not told; the last of " + all.size() + " at " + id() + ": "
                            + all.subList(Math.max(0, all.size() - 20), all.size()),
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        response.body().close();
    }
}
