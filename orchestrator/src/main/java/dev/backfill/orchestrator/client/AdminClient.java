package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.Exchange.Answer;
import dev.backfill.orchestrator.client.RefusedException.Fault;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Speaks to the admin API of a daemon. Safe for use by several threads. */
final class AdminClient {

    /**
     * What is waited for, and read, at most.
     *
     * @param connect for a connection
     * @param call for one call, from its beginning to the end of the answer
     * @param bytes of an answer
     */
    record Limits(Duration connect, Duration call, int bytes) {

        /** Those of the commands. */
        static final Limits USUAL = new Limits(Duration.ofSeconds(5), Duration.ofSeconds(30), 16 * 1024 * 1024);
    }

    private static final Duration LOOK = Duration.ofMillis(250);
    private static final String GOOD = "application/json";
    private static final String PROBLEM = "application/problem+json";

    private final URI server;
    private final Optional<String> token;
    private final Limits limits;
    private final Timing timing;
    private final Stop stop;
    private final HttpClient http;

    /**
     * For one daemon; connects to nothing.
     *
     * @param server such as {@code http://127.0.0.1:8642}
     * @param token sent with every call
     * @param limits for every call
     * @param timing how to wait
     * @param stop ends every call
     */
    AdminClient(URI server, Optional<String> token, Limits limits, Timing timing, Stop stop) {
        this.server = server;
        this.token = token;
        this.limits = limits;
        this.timing = timing;
        this.stop = stop;
        this.http = HttpClient.newBuilder().connectTimeout(limits.connect()).build();
    }

    /** A part of a path or the value of a parameter, as it may stand in a URL. */
    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * Asks for something.
     *
     * @param path with its parameters
     * @param lists the members that a daemon's answer has, each a list
     */
    JsonNode get(String path, String... lists) throws RefusedException, StoppedException {
        return judged(send(request(path).GET().build()), lists);
    }

    /**
     * Asks for something to be done.
     *
     * @param path with its parameters
     * @param body of the request
     * @param lists the members that a daemon's answer has, each a list
     */
    JsonNode post(String path, Map<String, String> body, String... lists) throws RefusedException, StoppedException {
        String json = JsonMapper.shared().writeValueAsString(body);
        HttpRequest request = request(path)
                .header("content-type", GOOD)
                .POST(BodyPublishers.ofString(json))
                .build();
        return judged(send(request), lists);
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.resolve(path)).header("accept", GOOD);
        token.ifPresent(t -> request.header("authorization", "Bearer " + t));
        return request;
    }

    private Answer send(HttpRequest request) throws RefusedException, StoppedException {
        long start = timing.nanos();
        try (Exchange exchange = Exchange.begin(http, request, limits.bytes())) {
            while (!timing.await(exchange.ended(), LOOK)) {
                if (stop.isRequested()) {
                    throw new StoppedException();
                } else if (timing.since(start).compareTo(limits.call()) >= 0) {
                    throw unreachable("gave no whole answer in " + seconds(limits.call()));
                }
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new StoppedException();
            }
            return exchange.answer();
        } catch (HttpConnectTimeoutException e) {
            throw unreachable("cannot be reached in " + seconds(limits.connect()));
        } catch (ConnectException e) {
            throw unreachable("cannot be reached" + reason(e));
        } catch (IOException e) {
            throw unreachable("broke off" + reason(e));
        }
    }

    private JsonNode judged(Answer answer, String... lists) throws RefusedException {
        if (answer.body().remaining() > limits.bytes()) {
            throw stranger("more than " + limits.bytes() + " bytes", answer);
        }
        boolean done = answer.status() / 100 == 2;
        String type = answer.type().split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        Optional<JsonNode> body = type.equals(done ? GOOD : PROBLEM) ? json(answer) : Optional.empty();
        if (!done) {
            throw refused(answer, body.filter(problem -> problem.path("title").isString()));
        } else if (body.isEmpty()) {
            throw stranger(answer.type().isEmpty() ? "nothing of a known type" : answer.type(), answer);
        }
        Optional<String> missing = Stream.of(lists)
                .filter(list -> !body.get().path(list).isArray())
                .findFirst();
        if (missing.isPresent()) {
            throw stranger("JSON without the list `" + missing.get() + "`", answer);
        }
        return body.get();
    }

    private Optional<JsonNode> json(Answer answer) throws RefusedException {
        try {
            return Optional.of(JsonMapper.shared().readTree(answer.body().array()))
                    .filter(JsonNode::isObject);
        } catch (JacksonException e) {
            throw stranger("text that is no JSON", answer);
        }
    }

    private RefusedException refused(Answer answer, Optional<JsonNode> problem) {
        Optional<String> said = problem.map(AdminClient::said);
        if (answer.status() == 401 || (answer.status() == 403 && said.isEmpty())) {
            String message = "what answers at " + server
                    + (token.isEmpty()
                            ? " wants a token, set BACKFILL_TOKEN"
                            : " does not accept the token of BACKFILL_TOKEN")
                    + ": " + said.orElse("status " + answer.status());
            return new RefusedException(Fault.SERVER, message);
        } else if (said.isEmpty()) {
            return stranger(answer.type().isEmpty() ? "nothing of a known type" : answer.type(), answer);
        } else if (answer.status() == 403) {
            String asked = token.isEmpty() ? "BACKFILL_TOKEN is not set" : "asked with the token of BACKFILL_TOKEN";
            return new RefusedException(Fault.SERVER, said.get() + " (" + asked + ")");
        }
        return new RefusedException(
                switch (answer.status()) {
                    case 400, 404, 405, 422 -> Fault.ASKED_WRONGLY;
                    default -> Fault.SERVER;
                },
                said.get());
    }

    private static String said(JsonNode problem) {
        String detail = problem.path("detail").asString("");
        return problem.path("title").asString("") + (detail.isEmpty() ? "" : ": " + detail);
    }

    private RefusedException stranger(String sent, Answer answer) {
        String message = "what answers at " + server + " is no daemon of this program, it sent " + sent + ", status "
                + answer.status() + "; name the daemon's address by --server";
        return new RefusedException(Fault.SERVER, message);
    }

    private RefusedException unreachable(String how) {
        String message = "the daemon at " + server + " " + how
                + "; is it running? its log names its address at the start, --server names another";
        return new RefusedException(Fault.SERVER, message);
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? "" : ": " + e.getMessage();
    }
}
