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
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Speaks to the admin API of a daemon. Safe for use by several threads. */
public final class AdminClient {

    /**
     * What came of a registration.
     *
     * @param isNew whether no such thing was there before
     * @param answer of the daemon
     */
    public record Registered(boolean isNew, JsonNode answer) {}

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
    private static final Pattern JOB = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");
    private static final int CREATED = 201;
    private static final int NO_CONTENT = 204;

    private final URI server;
    private final Optional<String> token;
    private final Limits limits;
    private final Timing timing;
    private final Stop stop;
    private final HttpClient http;
    private final Answers answers;

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
        this.answers = new Answers(server, token.isPresent(), limits.bytes());
    }

    private AdminClient(AdminClient other, HttpClient http) {
        this.server = other.server;
        this.token = other.token;
        this.limits = other.limits;
        this.timing = other.timing;
        this.stop = other.stop;
        this.answers = other.answers;
        this.http = http;
    }

    /** The same, which trusts only whom somebody else vouches for. */
    AdminClient trusting(SSLContext authorities) {
        return new AdminClient(
                this,
                HttpClient.newBuilder()
                        .connectTimeout(limits.connect())
                        .sslContext(authorities)
                        .build());
    }

    /**
     * A part of a path or the value of a parameter.
     *
     * @param text as it is meant
     * @return as it may stand in a URL
     */
    public static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * The path of a job.
     *
     * @param job its name, as somebody wrote it
     * @param part of what is known of it, such as {@code /runs}; empty for the job itself
     * @return the path
     * @throws RefusedException when no job can have that name: its path could be that of something else
     */
    public static String job(String job, String part) throws RefusedException {
        if (!JOB.matcher(job).matches()) {
            throw RefusedException.askedWrongly("no job has a name like `" + job
                    + "`; names are made of a-z, 0-9 and -, and `backfill list` shows those there are");
        }
        return "/api/v1/jobs/" + job + part;
    }

    /**
     * Asks for something.
     *
     * @param path with its parameters
     * @param lists the members that a daemon's answer has, each a list
     * @return the answer, an object
     * @throws RefusedException when there is none
     * @throws StoppedException when it is not waited for any more
     */
    public JsonNode get(String path, String... lists) throws RefusedException, StoppedException {
        return answers.judged(send(request(path).GET().build()), lists);
    }

    /**
     * Asks for something to be done.
     *
     * @param path with its parameters
     * @param body of the request
     * @param lists the members that a daemon's answer has, each a list
     * @return the answer, an object
     * @throws RefusedException when it was not done, or not everywhere
     * @throws StoppedException when the answer is not waited for any more
     */
    public JsonNode post(String path, Map<String, String> body, String... lists)
            throws RefusedException, StoppedException {
        return answers.judged(
                send(request(path, "POST", Answers.GOOD, JsonMapper.shared().writeValueAsString(body))), lists);
    }

    /**
     * Registers something.
     *
     * @param path of what it will be
     * @param yaml what it is
     * @param lists the members that a daemon's answer has, each a list
     * @return what came of it
     * @throws RefusedException when it was not done
     * @throws StoppedException when the answer is not waited for any more
     */
    public Registered put(String path, String yaml, String... lists) throws RefusedException, StoppedException {
        Answer answer = send(request(path, "PUT", "application/yaml", yaml));
        return new Registered(answer.status() == CREATED, answers.judged(answer, lists));
    }

    /**
     * Changes something.
     *
     * @param path with its parameters
     * @param change what is to be otherwise
     * @param lists the members that a daemon's answer has, each a list
     * @return the answer, an object
     * @throws RefusedException when it was not done, or not everywhere
     * @throws StoppedException when the answer is not waited for any more
     */
    public JsonNode patch(String path, JsonNode change, String... lists) throws RefusedException, StoppedException {
        return answers.judged(send(request(path, "PATCH", Answers.GOOD, change.toString())), lists);
    }

    /**
     * Removes something.
     *
     * @param path of it
     * @param body of the request
     * @throws RefusedException when it was not done
     * @throws StoppedException when the answer is not waited for any more
     */
    public void delete(String path, Map<String, String> body) throws RefusedException, StoppedException {
        Answer answer =
                send(request(path, "DELETE", Answers.GOOD, JsonMapper.shared().writeValueAsString(body)));
        if (answer.status() != NO_CONTENT) {
            answers.judged(answer);
            throw answers.stranger("more than that it is done", answer);
        }
    }

    private HttpRequest request(String path, String method, String type, String body) {
        return request(path)
                .header("content-type", type)
                .method(method, BodyPublishers.ofString(body))
                .build();
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.resolve(path)).header("accept", Answers.GOOD);
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
