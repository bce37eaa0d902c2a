package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.ConnectionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WatcherTest {

    private static final Timing TIMING = Timing.system();

    private final Hub hub = new Hub();
    private final Stop stop = new Stop(TIMING);
    private final List<Watcher> watchers = new ArrayList<>();

    @AfterEach
    void end() {
        stop.request();
        watchers.forEach(Watcher::wake);
    }

    @Test
    void a_database_is_asked_nothing_while_nobody_listens() {
        SettableSource main = watched("main");
        Client client = join(Optional.empty());
        await().until(() -> main.looks.get() > 0);
        hub.leave(client);

        await().during(Duration.ofMillis(1_500)).atMost(Duration.ofSeconds(4)).until(() -> main.looks.get() == 1);
    }

    @Test
    void a_database_that_does_not_answer_keeps_nobody_from_hearing_of_another() {
        SettableSource hung = watched("hung");
        hung.hang = new CountDownLatch(1);
        SettableSource main = watched("main");
        main.events.put(1L, "one");
        Client client = join(Optional.of(new Cursor(Map.of("main", 0L))));

        await().until(() -> told(client).contains("one"));
        hung.hang.countDown();
    }

    @Test
    void after_an_error_of_the_database_it_goes_on() {
        SettableSource main = watched("main");
        Client client = join(Optional.empty());
        await().until(() -> main.looks.get() > 0);
        main.fails = true;
        await().until(() -> main.looks.get() > 1);
        main.events.put(1L, "one");
        main.fails = false;

        await().until(() -> told(client).contains("one"));
    }

    @Test
    void a_database_that_gives_out_ids_again_is_listened_to_again() {
        SettableSource main = watched("main");
        main.events.put(1L, "one");
        main.events.put(2L, "two");
        Client client = join(Optional.of(new Cursor(Map.of("main", 1L))));
        await().until(() -> told(client).contains("two"));

        main.events.remove(2L);
        int looks = main.looks.get();
        await().until(() -> main.looks.get() >= looks + 3);
        main.events.put(2L, "another two");

        await().until(() -> told(client).contains("another two"));
    }

    private SettableSource watched(String name) {
        SettableSource source = new SettableSource(name);
        Watcher watcher = new Watcher(source, hub, () -> {}, TIMING);
        watchers.add(watcher);
        Thread thread = new Thread(() -> watcher.watch(stop), "watcher of " + name);
        thread.setDaemon(true);
        thread.start();
        return source;
    }

    private Client join(Optional<Cursor> after) {
        Client client = new Client(Optional.empty(), after, TIMING, () -> {});
        assertThat(hub.join(client)).isTrue();
        watchers.forEach(Watcher::wake);
        return client;
    }

    private String told(Client client) {
        return client.next(hub::snapshot);
    }

    /** A database whose events are set by a test. */
    private static final class SettableSource implements Source {

        private final String name;
        private final NavigableMap<Long, String> events = new ConcurrentSkipListMap<>();
        private final AtomicInteger looks = new AtomicInteger();
        private volatile CountDownLatch hang = new CountDownLatch(0);
        private volatile boolean fails;

        SettableSource(String name) {
            this.name = name;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public boolean answers() {
            return true;
        }

        @Override
        public Seen look() {
            looks.incrementAndGet();
            TIMING.await(hang, Duration.ofMinutes(1));
            if (fails) {
                throw new ConnectionException(new SQLException("gone", "08006"));
            }
            return new Seen(List.of(), List.of());
        }

        @Override
        public String standing(Optional<Seen> seen) {
            return "{}";
        }

        @Override
        public long latestEvent() {
            return events.isEmpty() ? 0 : events.lastKey();
        }

        @Override
        public List<EventView> events(Optional<String> job, long after, int limit) {
            return events.tailMap(after, false).entrySet().stream()
                    .limit(limit)
                    .map(event -> new EventView(
                            event.getKey(),
                            Instant.EPOCH,
                            new EventView.Subject("switch", "stop", Optional.empty()),
                            new EventView.Change(Optional.empty(), Optional.of(event.getValue()), "{}"),
                            "test"))
                    .toList();
        }

        @Override
        public String said(EventView event) {
            return event.change().to().orElse("");
        }

        @Override
        public String horizon() {
            return "1";
        }

        @Override
        public boolean isReached(String horizon) {
            return true;
        }
    }
}
