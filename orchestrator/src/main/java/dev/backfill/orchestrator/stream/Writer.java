package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.timing.Timing;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.IteratingCallback;

/**
 * Writes to one client as fast as it reads. Nobody waits for that: what was written calls back, and then comes the next. One
 * that takes nothing for as long as the server waits for slow clients fails, and has left.
 */
final class Writer extends IteratingCallback {

    private final Response response;
    private final Hub hub;
    private final Runnable onTaken;
    private final Client client;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile boolean begun;

    /**
     * For a client that has not joined yet.
     *
     * @param response what is written to
     * @param hub what it is told of
     * @param onTaken called when a client that is behind may have room for more
     * @param wish what it wants to be told
     */
    Writer(Response response, Hub hub, Runnable onTaken, Wish wish) {
        this.response = response;
        this.hub = hub;
        this.onTaken = onTaken;
        this.client = new Client(wish.job(), wish.after(), wish.timing(), this::iterate);
    }

    /**
     * What a client wants to be told.
     *
     * @param job only of this job; empty for everything
     * @param after the events behind which to begin; empty for now
     * @param timing how time passes
     */
    record Wish(Optional<String> job, Optional<Cursor> after, Timing timing) {}

    Client client() {
        return client;
    }

    /** Begins to write, now that the response may be committed. */
    void begin() {
        begun = true;
        iterate();
    }

    /** Done when nothing more is written, also when that is because the client is gone. */
    CompletableFuture<Void> ended() {
        return ended;
    }

    @Override
    protected Action process() {
        if (!begun) {
            return Action.IDLE;
        }
        String text = client.next(hub::snapshot);
        if (text.isEmpty()) {
            return client.isEnded() ? Action.SUCCEEDED : Action.IDLE;
        }
        response.write(false, StandardCharsets.UTF_8.encode(text), this);
        if (!client.behind().isEmpty()) {
            onTaken.run();
        }
        return Action.SCHEDULED;
    }

    @Override
    protected void onCompleteSuccess() {
        leave();
    }

    @Override
    protected void onCompleteFailure(Throwable cause) {
        leave();
    }

    private void leave() {
        client.end();
        hub.leave(client);
        ended.complete(null);
    }
}
