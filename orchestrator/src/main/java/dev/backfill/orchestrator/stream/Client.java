package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.stream.Snapshot.Topic;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * What a client has still to be told. Of jobs and databases that is only which of them have changed: they are told as they
 * are when their turn comes, so that a slow client is told of them less often, and never more. Of events it is each, but no
 * more than it has room for; the others wait where they are kept, and the client is behind. So a client that reads nothing
 * costs no more than its room. Safe for use by several threads; waits for nothing.
 */
final class Client {

    private static final int ROOM_IN_CHARACTERS = 1 << 18;
    private static final int ROOM_IN_MESSAGES = 500;
    private static final int CHUNK = 1 << 14;
    private static final Duration HEARTBEAT = Duration.ofSeconds(3);

    private final Optional<String> job;
    private final Timing timing;
    private final Runnable wake;
    private final Map<String, Long> behind;
    private final Queue<String> messages = new ArrayDeque<>();
    private final Set<Topic> changed = new LinkedHashSet<>();
    private long characters;
    private long told;
    private boolean ended;

    /** Guarded by the hub. */
    private String cursor = "";

    /**
     * A client that is told nothing yet.
     *
     * @param job what it wants to be told of; empty for everything
     * @param after where it goes on
     * @param timing how time passes
     * @param wake called when there is something to tell it, without a lock
     */
    Client(Optional<String> job, Optional<Cursor> after, Timing timing, Runnable wake) {
        this.job = job;
        this.timing = timing;
        this.wake = wake;
        this.behind = new ConcurrentHashMap<>(after.map(Cursor::positions).orElse(Map.of()));
        this.told = timing.nanos();
    }

    Optional<String> job() {
        return job;
    }

    /** The events behind which it has still to be told what is kept, by the databases where there may be any. */
    Map<String, Long> behind() {
        return behind;
    }

    /** The cursor that it was given last; empty before the first. */
    String cursor() {
        return cursor;
    }

    /** Has something to be told, and the cursor behind it. */
    void push(String at, String message) {
        cursor = at;
        push(message);
    }

    /** Has something to be told. */
    synchronized void push(String message) {
        if (!ended) {
            messages.add(message);
            characters += message.length();
        }
    }

    /** Has to be told of what has changed. */
    synchronized void changed(Collection<Topic> topics) {
        if (!ended) {
            topics.stream().filter(this::wants).forEach(changed::add);
        }
    }

    private boolean wants(Topic topic) {
        return job.isEmpty()
                || (topic.kind() == Snapshot.Kind.JOB && topic.name().equals(job.get()));
    }

    /** Has to see a sign of life when it was told nothing for a while, so that whoever is gone is noticed. */
    synchronized void beat() {
        if (!ended
                && messages.isEmpty()
                && changed.isEmpty()
                && timing.since(told).compareTo(HEARTBEAT) >= 0) {
            push(Message.HEARTBEAT);
        }
    }

    /** Whether it may be given more. */
    synchronized boolean hasRoom() {
        return !ended && characters < ROOM_IN_CHARACTERS && messages.size() < ROOM_IN_MESSAGES;
    }

    /** What it is told next, which it then has no more to be told; empty when that is nothing. */
    synchronized String next(Supplier<Snapshot> now) {
        StringBuilder chunk = new StringBuilder();
        while (!messages.isEmpty() && chunk.length() < CHUNK) {
            String message = messages.remove();
            characters -= message.length();
            chunk.append(message);
        }
        int end = chunk.length() + CHUNK;
        Snapshot snapshot = now.get();
        Iterator<Topic> topics = changed.iterator();
        while (topics.hasNext() && chunk.length() < end) {
            chunk.append(snapshot.message(topics.next()));
            topics.remove();
        }
        if (!chunk.isEmpty()) {
            told = timing.nanos();
        }
        return chunk.toString();
    }

    /** Is told nothing more. */
    synchronized void end() {
        ended = true;
        messages.clear();
        changed.clear();
        characters = 0;
    }

    synchronized boolean isEnded() {
        return ended;
    }

    /** Has it look whether there is something for it. */
    void wake() {
        wake.run();
    }
}
