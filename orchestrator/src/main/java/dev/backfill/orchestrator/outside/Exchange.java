package dev.backfill.orchestrator.outside;

import dev.backfill.orchestrator.addresses.LinkLocal;
import dev.backfill.orchestrator.addresses.WebUrl;
import dev.backfill.orchestrator.timing.Timing;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/**
 * Asks a server over HTTP. What it answers has two seconds and 64 kB; no redirect is followed, no proxy asked, and no
 * address of the machine's own link unless it is listed. One thread.
 */
final class Exchange {

    /** How long all of it may take. */
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static final int MOST_BYTES = 64 * 1024;
    private static final int LOOKUP_THREADS = 1;
    private static final int IDLE_SECONDS = 10;

    private final LinkLocal linkLocal;
    private final Timing timing;
    private final ThreadPoolExecutor lookups = new ThreadPoolExecutor(
            LOOKUP_THREADS, LOOKUP_THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                Thread thread = new Thread(task, "name lookup");
                thread.setDaemon(true);
                return thread;
            });
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(LIMIT)
            .build();

    /** Asks nobody yet. */
    Exchange(LinkLocal linkLocal, Timing timing) {
        this.linkLocal = linkLocal;
        this.timing = timing;
        lookups.allowCoreThreadTimeOut(true);
    }

    /**
     * What was answered.
     *
     * @param status of HTTP
     * @param body all of it, read as UTF-8
     */
    record Answer(int status, String body) {}

    /** Gets what a URL names; a token says who asks. */
    Answer get(URI uri, Optional<String> token) throws UnreadableException {
        long begun = timing.nanos();
        requireAllowed(uri);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).header("Accept", "*/*");
        token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        LimitedBody body = new LimitedBody(MOST_BYTES);
        Future<HttpResponse<byte[]>> response = client.sendAsync(request.build(), head -> body);
        try {
            HttpResponse<byte[]> answer = await(response, uri, LIMIT.minus(timing.since(begun)));
            return new Answer(answer.statusCode(), new String(answer.body(), StandardCharsets.UTF_8));
        } finally {
            body.abandon();
        }
    }

    /** Looks the host up anew, for it may be somebody else's by now. */
    private void requireAllowed(URI uri) throws UnreadableException {
        for (InetAddress address : await(lookups.submit(() -> InetAddress.getAllByName(uri.getHost())), uri, LIMIT)) {
            if (linkLocal.refuses(address)) {
                throw new UnreadableException("its host is at " + address.getHostAddress()
                        + ", where clouds keep what only this machine may know; throttle.link-local has to list it");
            }
        }
    }

    private static <T> T await(Future<T> future, URI uri, Duration atMost) throws UnreadableException {
        try {
            return future.get(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new UnreadableException(WebUrl.server(uri) + " does not answer within " + LIMIT.toSeconds() + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnreadableException("the program ends");
        } catch (ExecutionException e) {
            throw new UnreadableException(why(e, uri));
        } finally {
            future.cancel(true);
        }
    }

    /** What the exceptions say may hold what was answered; their kinds do not. */
    private static String why(ExecutionException failure, URI uri) {
        String server = WebUrl.server(uri);
        for (Throwable t = failure.getCause(); t != null; t = t.getCause()) {
            if (t instanceof LimitedBody.TooLargeException) {
                return server + " answers more than 64 kB";
            }
            if (t instanceof UnknownHostException) {
                return "nobody knows where " + server + " is";
            }
            if (t instanceof SSLException) {
                return server + " cannot be trusted, or does not speak TLS";
            }
            if (t instanceof ConnectException || t instanceof java.net.http.HttpConnectTimeoutException) {
                return server + " cannot be reached";
            }
        }
        return server + " breaks off, or does not answer as HTTP says";
    }
}
