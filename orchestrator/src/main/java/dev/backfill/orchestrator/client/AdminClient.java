package dev.backfill.orchestrator.client;

import dev.backfill.orchestrator.client.RefusedException.Fault;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Speaks to the admin API of a daemon. Safe for use by several threads. */
final class AdminClient {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private final URI server;
    private final Optional<String> token;
    private final Duration timeout;
    private final HttpClient http;

    /**
     * For one daemon; connects to nothing.
     *
     * @param server such as {@code http://127.0.0.1:8642}
     * @param token sent with every call
     * @param timeout for the answer of one call
     */
    AdminClient(URI server, Optional<String> token, Duration timeout) {
        this.server = server;
        this.token = token;
        this.timeout = timeout;
        this.http = HttpClient.newBuilder().connectTimeout(CONNECT_TIMEOUT).build();
    }

    /** A part of a path or the value of a parameter, as it may stand in a URL. */
    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Asks for something. */
    JsonNode get(String path) throws RefusedException, InterruptedException {
        return send(request(path).GET().build());
    }

    /** Asks for something to be done. */
    JsonNode post(String path, Map<String, String> body) throws RefusedException, InterruptedException {
        String json = JsonMapper.shared().writeValueAsString(body);
        return send(request(path)
                .header("content-type", "application/json")
                .POST(BodyPublishers.ofString(json))
                .build());
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.resolve(path)).timeout(timeout).header("accept", "application/json");
        token.ifPresent(t -> request.header("authorization", "Bearer " + t));
        return request;
    }

    private JsonNode send(HttpRequest request) throws RefusedException, InterruptedException {
        HttpResponse<String> response;
        try {
            response = http.send(request, BodyHandlers.ofString());
        } catch (HttpTimeoutException e) {
            throw unreachable("gave no answer in " + timeout.toSeconds() + " s");
        } catch (ConnectException e) {
            throw unreachable("cannot be reached" + reason(e));
        } catch (IOException e) {
            throw unreachable("broke off" + reason(e));
        }
        JsonNode body = json(response);
        if (response.statusCode() / 100 == 2) {
            return body;
        }
        String said =
                body.path("title").asString("") + ": " + body.path("detail").asString("");
        Fault fault = switch (response.statusCode()) {
            case 400, 404, 405, 422 -> Fault.ASKED_WRONGLY;
            default -> Fault.SERVER;
        };
        throw new RefusedException(fault, said);
    }

    private JsonNode json(HttpResponse<String> response) throws RefusedException {
        String type = response.headers().firstValue("content-type").orElse("nothing of a known type");
        try {
            if (type.contains("json")) {
                JsonNode body = JsonMapper.shared().readTree(response.body());
                if (body.isObject()) {
                    return body;
                }
            }
        } catch (JacksonException e) {
            throw stranger("text that is no JSON");
        }
        throw stranger(type + ", status " + response.statusCode());
    }

    private RefusedException stranger(String sent) {
        String message = "what answers at " + server + " is no daemon of this program, it sent " + sent
                + "; name the daemon's address by --server";
        return new RefusedException(Fault.SERVER, message);
    }

    private RefusedException unreachable(String how) {
        String message = "the daemon at " + server + " " + how
                + "; is it running? its log names its address at the start, --server names another";
        return new RefusedException(Fault.SERVER, message);
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? "" : ": " + e.getMessage();
    }
}
