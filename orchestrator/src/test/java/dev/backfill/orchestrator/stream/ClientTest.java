package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.stream.Snapshot.Kind;
import dev.backfill.orchestrator.stream.Snapshot.Topic;
import dev.backfill.orchestrator.testing.SettableTiming;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ClientTest {

    private static final Topic FILL = new Topic(Kind.JOB, "fill");
    private static final Topic CLEAN = new Topic(Kind.JOB, "clean");
    private static final Topic MAIN = new Topic(Kind.DATABASE, "main");
    private static final Snapshot SNAPSHOT = new Snapshot(Map.of(FILL, "{\"now\":1}", CLEAN, "{}", MAIN, "{}"));

    private final SettableTiming timing = new SettableTiming();

    @Test
    void is_told_of_what_changes_as_it_is_when_it_takes_it() {
        Client client = client(Optional.empty());
        client.push(Message.event("hello", "{}"));
        client.changed(List.of(FILL));
        client.changed(List.of(FILL, MAIN));

        assertThat(next(client))
                .isEqualTo("event: hello\ndata: {}\n\nevent: job\ndata: {\"now\":1}\n\nevent: database\ndata: {}\n\n");
        assertThat(next(client)).isEmpty();
    }

    @Test
    void who_wants_one_job_is_told_of_no_other_and_of_no_database() {
        Client client = client(Optional.of("clean"));
        client.changed(List.of(FILL, CLEAN, MAIN));

        assertThat(next(client)).isEqualTo("event: job\ndata: {}\n\n");
    }

    @Test
    void a_chunk_has_an_end_and_the_next_goes_on() {
        Client client = client(Optional.empty());
        for (int i = 0; i < 5; i++) {
            client.push(i + "x".repeat(10_000));
        }
        assertThat(next(client)).hasSize(20_002);
        assertThat(next(client)).startsWith("2x").hasSize(20_002);
        assertThat(next(client)).startsWith("4x").hasSize(10_001);
        assertThat(next(client)).isEmpty();
    }

    @Test
    void room_has_an_end_in_characters_and_in_messages_and_comes_back() {
        Client client = client(Optional.empty());
        for (int i = 0; i < 499; i++) {
            client.push("x");
        }
        assertThat(client.hasRoom()).isTrue();
        client.push("x");
        assertThat(client.hasRoom()).isFalse();
        next(client);
        assertThat(client.hasRoom()).isTrue();
        client.push("x".repeat(1 << 18));
        assertThat(client.hasRoom()).isFalse();
        next(client);
        assertThat(client.hasRoom()).isTrue();
    }

    @Test
    void a_sign_of_life_comes_when_nothing_was_told_for_a_while_and_once_until_it_is_taken() {
        Client client = client(Optional.empty());
        timing.pass(Duration.ofMillis(2_900));
        client.beat();
        assertThat(next(client)).isEmpty();

        timing.pass(Duration.ofMillis(100));
        client.beat();
        client.beat();
        assertThat(next(client)).isEqualTo(": heartbeat\n\n");
        client.beat();
        assertThat(next(client)).isEmpty();
    }

    @Test
    void who_has_ended_is_told_nothing_more() {
        Client client = client(Optional.empty());
        client.push("before");
        client.changed(List.of(FILL));
        client.end();
        client.push("after");
        client.changed(List.of(MAIN));

        assertThat(next(client)).isEmpty();
        assertThat(client.isEnded()).isTrue();
        assertThat(client.hasRoom()).isFalse();
    }

    private Client client(Optional<String> job) {
        return new Client(job, Optional.empty(), timing, () -> {});
    }

    private static String next(Client client) {
        return client.next(() -> SNAPSHOT);
    }
}
