package dev.backfill.orchestrator.stream;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.stream.Hub.Entry;
import dev.backfill.orchestrator.timing.Bell;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop over one database: looks once a second while there are clients, however many, and reads for those that are
 * behind. It has a thread of its own, so that a database that does not answer keeps nobody from hearing of the others.
 */
final class Watcher {

    private static final Logger LOG = LoggerFactory.getLogger(Watcher.class);
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final Duration UNWATCHED = Duration.ofMinutes(1);
    private static final Duration AFTER_A_FAULT = Duration.ofSeconds(5);

    private final Source source;
    private final Hub hub;
    private final Runnable onSeen;
    private final Timing timing;
    private final Bell bell;
    private int turn = -1;
    private long looked;
    private @Nullable EventWindow<Entry> window;

    /**
     * For one database.
     *
     * @param source the database
     * @param hub takes in what is seen
     * @param onSeen called after each look
     * @param timing how time passes
     */
    Watcher(Source source, Hub hub, Runnable onSeen, Timing timing) {
        this.source = source;
        this.hub = hub;
        this.onSeen = onSeen;
        this.timing = timing;
        this.bell = new Bell(timing);
    }

    /** There is a client, or one has room. */
    void wake() {
        bell.ring();
    }

    void watch(Stop stop) {
        while (!stop.isRequested()) {
            if (!hub.isWatched()) {
                bell.await(UNWATCHED);
                continue;
            }
            try {
                step();
            } catch (SQLException | RuntimeException e) {
                failed(e, stop);
            }
        }
    }

    private void step() throws SQLException {
        int now = hub.turn();
        boolean isNew = now != turn;
        if (isNew) {
            turn = now;
            window = null;
        }
        Duration since = timing.since(looked);
        if (isNew || since.compareTo(TICK) >= 0) {
            looked = timing.nanos();
            look();
        } else if (window == null || !catchUp(window)) {
            bell.await(TICK.minus(since));
        }
    }

    private void look() throws SQLException {
        if (source.answers()) {
            hub.see(turn, source.name(), source.look());
            if (window == null) {
                window = open();
            } else {
                follow(window);
            }
        }
        onSeen.run();
    }

    private EventWindow<Entry> open() {
        EventWindow<Entry> opened = new EventWindow<>(Math.max(0, source.latestEvent() - EventWindow.KEPT));
        opened.take(read(opened.floor()), false);
        hub.open(turn, source.name(), opened);
        return opened;
    }

    /** Who has taken an id that is missing has had a second to begin to write before it is asked who is open. */
    private void follow(EventWindow<Entry> events) throws SQLException {
        Optional<String> horizon = events.horizon();
        boolean reached = horizon.isPresent() && source.isReached(horizon.get());
        if (horizon.isEmpty() && events.hasGaps()) {
            events.ask(source.horizon());
        }
        SortedMap<Long, Entry> read = read(events.floor() - 1);
        if (events.goesOnWith(read)) {
            hub.take(turn, source.name(), read, reached);
        } else {
            window = null;
        }
    }

    private SortedMap<Long, Entry> read(long after) {
        SortedMap<Long, Entry> all = new TreeMap<>();
        List<EventView> page;
        do {
            page = source.events(Optional.empty(), all.isEmpty() ? after : all.lastKey(), EventWindow.KEPT);
            all.putAll(entries(page));
        } while (page.size() == EventWindow.KEPT);
        return all;
    }

    private SortedMap<Long, Entry> entries(List<EventView> page) {
        SortedMap<Long, Entry> entries = new TreeMap<>();
        page.forEach(event -> entries.put(event.id(), Entry.of(event, source.said(event))));
        return entries;
    }

    /** A page for each client that is behind; whether there was any. */
    private boolean catchUp(EventWindow<Entry> events) {
        List<Client> behind = hub.behind(source.name());
        for (Client client : behind) {
            if (!hub.tellKnown(turn, source.name(), client)) {
                long after = client.behind().getOrDefault(source.name(), events.low());
                List<EventView> page = source.events(client.job(), after, Hub.PAGE);
                hub.tellRead(turn, source.name(), client, entries(page), page.size() < Hub.PAGE);
            }
            client.wake();
        }
        return !behind.isEmpty();
    }

    /** What was seen last stays; how the database stands says that it is away. */
    private void failed(Exception e, Stop stop) {
        try {
            SqlStates.requireFromDatabase(e);
            bell.await(TICK);
        } catch (RuntimeException fault) {
            if (!stop.isRequested()) {
                LOG.atError()
                        .addKeyValue("database", source.name())
                        .setCause(fault)
                        .log("looking for what clients are told failed; tried again every 5 s");
                stop.sleep(AFTER_A_FAULT);
            }
        }
    }
}
