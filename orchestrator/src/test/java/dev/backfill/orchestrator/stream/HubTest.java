package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.stream.Hub.Entry;
import dev.backfill.orchestrator.stream.Snapshot.Kind;
import dev.backfill.orchestrator.stream.Snapshot.Topic;
import dev.backfill.orchestrator.stream.Source.Seen;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class HubTest {

    private static final Pattern EVENT = Pattern.compile("id: (\\S+)\nevent: event\ndata: (\\d+)\n");

    private final Hub hub = new Hub();

    @Test
    void who_comes_is_told_how_everything_stands_and_then_what_changes() {
        Topic fill = new Topic(Kind.JOB, "fill");
        Topic main = new Topic(Kind.DATABASE, "main");
        Client first = join(Optional.empty());
        hub.show(0, new Snapshot(Map.of(fill, "{}", main, "{}")));
        assertThat(all(first)).contains("event: job\n", "event: database\n");
        Client second = join(Optional.empty());
        assertThat(all(second)).contains("event: job\n", "event: database\n");

        hub.show(0, new Snapshot(Map.of(main, "{}")));

        assertThat(all(first)).isEqualTo("event: job-gone\ndata: {\"job\":\"fill\"}\n\n");
        assertThat(all(second)).isEqualTo("event: job-gone\ndata: {\"job\":\"fill\"}\n\n");
    }

    @Test
    void events_from_now_on_are_told_with_where_to_go_on_and_those_from_before_are_not() {
        Client client = join(Optional.empty());
        open("main", 0, 1, 2);
        open("other", 5);
        hub.show(0, Snapshot.NONE);
        assertThat(all(client)).isEqualTo("id: main:2,other:5\n\n");

        take("main", 3, 4);
        take("other", 6);

        assertThat(events(client)).containsExactly("3 main:3,other:5", "4 main:4,other:5", "6 main:4,other:6");
        hub.show(0, Snapshot.NONE);
        assertThat(all(client)).as("where to go on is known").isEmpty();
    }

    @Test
    void behind_a_gap_nobody_goes_on_until_it_is_filled() {
        Client client = join(Optional.empty());
        open("main", 0);
        take("main", 1, 3);
        assertThat(events(client)).containsExactly("1 main:1", "3 main:1");

        take("main", 2, 3);

        assertThat(events(client)).containsExactly("2 main:2");
        hub.show(0, Snapshot.NONE);
        assertThat(all(client)).isEqualTo("id: main:3\n\n");
    }

    @Test
    void who_comes_back_is_told_first_what_it_missed() {
        join(Optional.empty());
        open("main", 10, 11, 12, 14);
        Client back = join(Optional.of(new Cursor(Map.of("main", 11L))));
        take("main", 12, 14, 15);
        assertThat(events(back)).as("before its turn").isEmpty();

        assertThat(hub.behind("main")).containsExactly(back);
        assertThat(hub.tellKnown(0, "main", back)).isTrue();

        assertThat(events(back)).containsExactly("12 main:12", "14 main:12", "15 main:12");
        take("main", 13, 14, 15, 16);
        assertThat(events(back)).containsExactly("13 main:13", "16 main:16");
    }

    @Test
    void what_is_not_known_any_more_is_read_for_it_up_to_what_is() {
        join(Optional.empty());
        open("main", 10, 11, 13);
        Client back = join(Optional.of(new Cursor(Map.of("main", 5L))));
        assertThat(hub.tellKnown(0, "main", back)).isFalse();

        hub.tellRead(0, "main", back, entries(6, 7), false);
        assertThat(back.behind()).containsEntry("main", 7L);
        hub.tellRead(0, "main", back, entries(9, 11, 13), false);
        assertThat(back.behind()).containsEntry("main", 10L);
        assertThat(hub.tellKnown(0, "main", back)).isTrue();

        assertThat(events(back)).containsExactly("6 main:6", "7 main:7", "9 main:9", "11 main:11", "13 main:11");
        assertThat(back.behind()).isEmpty();
    }

    @Test
    void a_cursor_from_beyond_all_events_is_a_cursor_from_now_on() {
        join(Optional.empty());
        open("main", 10, 11);
        Client back = join(Optional.of(new Cursor(Map.of("main", 900L))));
        hub.tellKnown(0, "main", back);
        take("main", 12);

        assertThat(events(back)).containsExactly("12 main:12");
    }

    @Test
    void who_is_slow_falls_behind_keeps_its_room_and_loses_nothing() {
        Client slow = join(Optional.empty());
        Client quick = join(Optional.empty());
        open("main", 0);
        List<String> told = new ArrayList<>();
        for (int id = 1; id <= 700; id++) {
            take("main", id);
            told.addAll(events(quick));
        }
        assertThat(told).hasSize(700);
        assertThat(slow.behind()).containsEntry("main", 500L);
        assertThat(hub.behind("main")).as("no room, no turn").isEmpty();

        List<String> late = new ArrayList<>(events(slow));
        while (hub.behind("main").contains(slow)) {
            hub.tellKnown(0, "main", slow);
            late.addAll(events(slow));
        }

        assertThat(late).isEqualTo(told);
    }

    @Test
    void who_wants_one_job_is_told_its_events() {
        Client client = new Client(Optional.of("fill"), Optional.empty(), new SettableTiming(), () -> {});
        hub.join(client);
        open("main", 0);
        SortedMap<Long, Entry> read = entries(1);
        read.put(2L, new Entry(Optional.of("fill"), Message.event("event", "2")));
        read.put(3L, new Entry(Optional.of("other"), Message.event("event", "3")));
        hub.take(0, "main", read, false);

        assertThat(events(client)).containsExactly("2 main:2");
        hub.show(0, Snapshot.NONE);
        assertThat(all(client)).isEqualTo("id: main:3\n\n");
    }

    @Test
    void what_was_seen_is_forgotten_with_the_last_client() {
        Client first = join(Optional.empty());
        Client second = join(Optional.empty());
        hub.see(0, "main", new Seen(List.of(), List.of()));
        hub.show(0, new Snapshot(Map.of(new Topic(Kind.DATABASE, "main"), "{}")));
        hub.leave(first);
        hub.leave(first);
        assertThat(hub.seen()).hasSize(1);
        assertThat(hub.turn()).isZero();

        hub.leave(second);

        assertThat(hub.isWatched()).isFalse();
        assertThat(hub.turn()).isOne();
        assertThat(hub.seen()).isEmpty();
        assertThat(hub.snapshot()).isEqualTo(Snapshot.NONE);
        hub.see(0, "main", new Seen(List.of(), List.of()));
        hub.show(0, new Snapshot(Map.of(new Topic(Kind.DATABASE, "main"), "{}")));
        assertThat(hub.seen()).as("of another turn").isEmpty();
        assertThat(hub.snapshot()).isEqualTo(Snapshot.NONE);
    }

    @Test
    void there_is_an_end_of_clients_and_none_after_the_end() {
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < Hub.MOST_CLIENTS; i++) {
            clients.add(join(Optional.empty()));
        }
        Client more = new Client(Optional.empty(), Optional.empty(), new SettableTiming(), () -> {});
        assertThat(hub.join(more)).isFalse();
        hub.leave(clients.get(0));
        assertThat(hub.join(more)).isTrue();

        hub.close();

        assertThat(clients.subList(1, clients.size())).allMatch(Client::isEnded);
        hub.leave(more);
        assertThat(hub.join(new Client(Optional.empty(), Optional.empty(), new SettableTiming(), () -> {})))
                .isFalse();
    }

    private Client join(Optional<Cursor> after) {
        Client client = new Client(Optional.empty(), after, new SettableTiming(), () -> {});
        assertThat(hub.join(client)).isTrue();
        return client;
    }

    private void open(String database, long floor, long... ids) {
        EventWindow<Entry> window = new EventWindow<>(floor);
        window.take(entries(ids), false);
        hub.open(0, database, window);
    }

    private void take(String database, long... ids) {
        hub.take(0, database, entries(ids), false);
    }

    private static SortedMap<Long, Entry> entries(long... ids) {
        SortedMap<Long, Entry> entries = new TreeMap<>();
        for (long id : ids) {
            entries.put(id, new Entry(Optional.empty(), Message.event("event", Long.toString(id))));
        }
        return entries;
    }

    private String all(Client client) {
        StringBuilder all = new StringBuilder();
        String next = client.next(hub::snapshot);
        while (!next.isEmpty()) {
            all.append(next);
            next = client.next(hub::snapshot);
        }
        return all.toString();
    }

    /** Each event that it takes now, with where to go on. */
    private List<String> events(Client client) {
        return EVENT.matcher(all(client))
                .results()
                .map((MatchResult found) -> found.group(2) + " " + found.group(1))
                .toList();
    }
}
