package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.stream.Snapshot.Kind;
import dev.backfill.orchestrator.stream.Snapshot.Topic;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SnapshotTest {

    private static final Topic FILL = new Topic(Kind.JOB, "fill");
    private static final Topic CLEAN = new Topic(Kind.JOB, "clean");
    private static final Topic MAIN = new Topic(Kind.DATABASE, "main");

    @Test
    void what_is_new_what_is_other_and_what_is_gone_has_changed() {
        Snapshot before = new Snapshot(Map.of(FILL, "{\"progress\":0.1}", CLEAN, "{}", MAIN, "{\"pace\":1}"));
        Topic added = new Topic(Kind.JOB, "added");
        Snapshot after = new Snapshot(Map.of(FILL, "{\"progress\":0.2}", added, "{}", MAIN, "{\"pace\":1}"));

        assertThat(after.changesSince(before)).containsExactlyInAnyOrder(FILL, CLEAN, added);
        assertThat(after.changesSince(after)).isEmpty();
        assertThat(after.changesSince(Snapshot.NONE)).containsExactlyInAnyOrder(FILL, added, MAIN);
    }

    @Test
    void that_a_reading_is_older_is_no_change_and_another_value_is_one() {
        String reading = "{\"signals\":[{\"value\":%s,\"age\":%s,\"up\":true},{\"value\":1,\"age\":null}]}";
        Snapshot before = new Snapshot(Map.of(MAIN, reading.formatted("2.5", "0.1")));

        assertThat(new Snapshot(Map.of(MAIN, reading.formatted("2.5", "11.25"))).changesSince(before))
                .isEmpty();
        assertThat(new Snapshot(Map.of(MAIN, reading.formatted("2.5", "null"))).changesSince(before))
                .isEmpty();
        assertThat(new Snapshot(Map.of(MAIN, reading.formatted("2.6", "0.1"))).changesSince(before))
                .containsExactly(MAIN);
    }

    @Test
    void a_topic_is_told_as_it_is_and_a_job_that_is_gone_as_gone() {
        Snapshot snapshot = new Snapshot(Map.of(FILL, "{\"job\":\"fill\"}", MAIN, "{}"));

        assertThat(snapshot.message(FILL)).isEqualTo("event: job\ndata: {\"job\":\"fill\"}\n\n");
        assertThat(snapshot.message(MAIN)).isEqualTo("event: database\ndata: {}\n\n");
        assertThat(snapshot.message(CLEAN)).isEqualTo("event: job-gone\ndata: {\"job\":\"clean\"}\n\n");
    }
}
