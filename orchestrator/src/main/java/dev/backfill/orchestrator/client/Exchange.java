package dev.backfill.orchestrator.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;

/** A request and its whole answer, in a thread of its own: who waits for it may give it up. Closing it gives it up. */
final class Exchange implements AutoCloseable {

    /**
     * An answer.
     *
     * @param status its status
     * @param type its content type as it was sent; empty when there was none
     * @param body its body, no longer than one byte more than is read
     */
    record Answer(int status, String type, ByteBuffer body) {}

    private final CountDownLatch ended = new CountDownLatch(1);
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final Thread thread;

    private Exchange(HttpClient http, HttpRequest request, int mostBytes) {
        this.thread = new Thread(() -> carryOut(http, request, mostBytes), "call of the admin API");
        thread.setDaemon(true);
    }

    /** Sends a request. */
    static Exchange begin(HttpClient http, HttpRequest request, int mostBytes) {
        Exchange exchange = new Exchange(http, request, mostBytes);
        exchange.thread.start();
        return exchange;
    }

    /** Counted down when the answer is there, or failed to come. */
    CountDownLatch ended() {
        return ended;
    }

    /**
     * The answer, once it has ended.
     *
     * @throws IOException why there is none
     */
    Answer answer() throws IOException {
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw e;
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    private void carryOut(HttpClient http, HttpRequest request, int mostBytes) {
        try {
            HttpResponse<InputStream> response = http.send(request, BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                String type = response.headers().firstValue("content-type").orElse("");
                answer.complete(
                        new Answer(response.statusCode(), type, ByteBuffer.wrap(body.readNBytes(mostBytes + 1))));
            }
        } catch (IOException | RuntimeException e) {
            answer.completeExceptionally(e);
        } catch (InterruptedException e) {
            answer.completeExceptionally(new InterruptedIOException());
        } finally {
            ended.countDown();
        }
    }
}
