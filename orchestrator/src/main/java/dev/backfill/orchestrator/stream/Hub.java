package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.stream.Source.Seen;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The clients, and what was seen for all of them. What was seen in a turn is forgotten when the last client leaves, and what
 * comes of it later is not taken in. Safe for use by several threads; waits neither for a database nor for a client.
 */
final class Hub {

    /** How many clients there may be. */
    static final int MOST_CLIENTS = 200;

    /** How many events are told at once to a client that is behind. */
    static final int PAGE = 50;

    /**
     * An event as it is told.
     *
     * @param job the job that it is about; empty when it is about something else
     * @param message without a cursor
     */
    record Entry(Optional<String> job, String message) {

        /** The entry of an event that is said in JSON. */
        static Entry of(EventView event, String json) {
            Optional<String> job = Optional.of(event.subject())
                    .filter(subject -> subject.kind().equals("job"))
                    .map(EventView.Subject::name);
            return new Entry(job, Message.event("event", json));
        }

        boolean isFor(Client client) {
            return client.job().isEmpty() || client.job().equals(job);
        }
    }

    private final List<Client> clients = new CopyOnWriteArrayList<>();
    private final Map<String, EventWindow<Entry>> windows = new HashMap<>();
    private final Map<String, Seen> seen = new HashMap<>();
    private volatile Snapshot snapshot = Snapshot.NONE;
    private volatile int turn;
    private boolean closed;

    /** Takes in a client; false when there are as many as there may be. */
    synchronized boolean join(Client client) {
        if (closed || clients.size() >= MOST_CLIENTS) {
            return false;
        }
        client.changed(snapshot.texts().keySet());
        clients.add(client);
        return true;
    }

    /** Forgets a client, and with the last one everything. */
    synchronized void leave(Client client) {
        if (clients.remove(client) && clients.isEmpty()) {
            turn++;
            windows.clear();
            seen.clear();
            snapshot = Snapshot.NONE;
        }
    }

    /** Ends what every client is told, and takes in no other. */
    void close() {
        synchronized (this) {
            closed = true;
            clients.forEach(Client::end);
        }
        wake();
    }

    boolean isWatched() {
        return !clients.isEmpty();
    }

    int turn() {
        return turn;
    }

    Snapshot snapshot() {
        return snapshot;
    }

    /** Has every client take what there is for it. */
    void wake() {
        clients.forEach(Client::wake);
    }

    /** What was seen last of each database; it stays while a database does not answer. */
    synchronized Map<String, Seen> seen() {
        return Map.copyOf(seen);
    }

    synchronized void see(int of, String database, Seen now) {
        if (of == turn) {
            seen.put(database, now);
        }
    }

    /** Tells what is other than it was, where everybody stands, and signs of life. */
    void show(int of, Snapshot now) {
        synchronized (this) {
            if (of != turn) {
                return;
            }
            Set<Snapshot.Topic> changes = now.changesSince(snapshot);
            snapshot = now;
            for (Client client : clients) {
                client.changed(changes);
                String cursor = cursor(client);
                if (!cursor.isEmpty() && !cursor.equals(client.cursor()) && client.hasRoom()) {
                    client.push(cursor, Message.cursor(cursor));
                }
                client.beat();
            }
        }
        wake();
    }

    /** Begins to know the events of a database; those that are known already are told to nobody who did not ask. */
    synchronized void open(int of, String database, EventWindow<Entry> window) {
        if (of == turn) {
            windows.put(database, window);
        }
    }

    /** Takes in the events that were read behind the floor, and tells those that are new. */
    void take(int of, String database, SortedMap<Long, Entry> read, boolean reached) {
        synchronized (this) {
            EventWindow<Entry> window = windows.get(database);
            if (of != turn || window == null) {
                return;
            }
            window.take(read, reached)
                    .forEach((id, entry) -> clients.forEach(client -> {
                        if (!client.behind().containsKey(database)) {
                            tell(client, database, id, entry);
                        }
                    }));
        }
        wake();
    }

    private void tell(Client client, String database, long id, Entry entry) {
        if (!entry.isFor(client)) {
            return;
        }
        if (client.hasRoom()) {
            String cursor = cursor(client, database, id);
            client.push(cursor, Message.at(cursor, entry.message()));
        } else {
            client.behind().put(database, id - 1);
        }
    }

    /** Those who are behind in a database and have room for more. */
    List<Client> behind(String database) {
        return clients.stream()
                .filter(client -> client.behind().containsKey(database) && client.hasRoom())
                .toList();
    }

    /** Tells a client a page of what is known, if that is enough for it; false when it has to be read. */
    synchronized boolean tellKnown(int of, String database, Client client) {
        EventWindow<Entry> window = windows.get(database);
        Long after = client.behind().get(database);
        if (of != turn || window == null || after == null) {
            return true;
        }
        if (after < window.low()) {
            return false;
        }
        List<Map.Entry<Long, Entry>> page =
                window.after(after).entrySet().stream().limit(PAGE).toList();
        page.forEach(event -> tellLate(client, database, event.getKey(), event.getValue()));
        if (page.size() < PAGE) {
            client.behind().remove(database);
        }
        return true;
    }

    /**
     * Tells a client a page that was read for it.
     *
     * @param page the events behind where it was
     * @param whole whether there are no others yet
     */
    synchronized void tellRead(int of, String database, Client client, SortedMap<Long, Entry> page, boolean whole) {
        EventWindow<Entry> window = windows.get(database);
        if (of != turn || window == null) {
            return;
        }
        SortedMap<Long, Entry> settled = page.headMap(window.low() + 1); // what is known is told out of the window
        settled.forEach((id, entry) -> tellLate(client, database, id, entry));
        if (whole || settled.size() < page.size()) {
            client.behind().put(database, window.low());
        }
    }

    private void tellLate(Client client, String database, long id, Entry entry) {
        client.behind().put(database, id);
        if (entry.isFor(client)) {
            String cursor = cursor(client);
            client.push(cursor, Message.at(cursor, entry.message()));
        }
    }

    /** From where a client that loses its connection now has to go on: what it was told, but above no floor. */
    private String cursor(Client client) {
        return new Cursor(positions(client)).text();
    }

    private String cursor(Client client, String database, long told) {
        Map<String, Long> positions = positions(client);
        positions.merge(database, told, Math::min);
        return new Cursor(positions).text();
    }

    private Map<String, Long> positions(Client client) {
        Map<String, Long> positions = new HashMap<>(client.behind());
        windows.forEach((database, window) -> positions.merge(database, window.floor(), Math::min));
        return positions;
    }
}
