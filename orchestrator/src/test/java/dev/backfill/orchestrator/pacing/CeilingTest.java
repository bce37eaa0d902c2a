package dev.backfill.orchestrator.pacing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.api.Pacing.Ceilings;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.wal.OwnWal;
import dev.backfill.orchestrator.wal.Written;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CeilingTest {

    private static final Ceilings THOUSAND_ROWS = new Ceilings(OptionalLong.of(1_000), OptionalLong.empty());
    private static final Ceilings MEGABYTE = new Ceilings(OptionalLong.empty(), OptionalLong.of(1 << 20));

    private final SettableTiming timing = new SettableTiming();
    private final OwnWal own = new OwnWal(timing);
    private final Ceiling ceiling = new Ceiling(timing, own);

    @Test
    void without_one_nothing_is_owed_and_nothing_cut() {
        went(1_000_000);

        assertThat(ceiling.owed()).isZero();
        assertThat(ceiling.cut(100_000, 1)).isEqualTo(100_000);
        assertThat(ceiling.isOfWal()).isFalse();
    }

    @Test
    void what_a_batch_went_over_is_worked_off_by_waiting() {
        ceiling.limit(THOUSAND_ROWS);
        went(3_000);

        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(3));
        timing.pass(Duration.ofMillis(1_200));
        assertThat(ceiling.owed()).isEqualTo(Duration.ofMillis(1_800));
        timing.pass(Duration.ofSeconds(2));
        assertThat(ceiling.owed()).isZero();
    }

    @Test
    void no_more_than_a_second_is_saved_up() {
        ceiling.limit(THOUSAND_ROWS);
        timing.pass(Duration.ofHours(1));
        went(1_200);

        assertThat(ceiling.owed()).isEqualTo(Duration.ofMillis(200));
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 100, 250, 900})
    void batches_that_take_their_time_reach_the_ceiling_and_stay_below_it(int milliseconds) {
        ceiling.limit(THOUSAND_ROWS);
        long went = 0;
        long begun = timing.nanos();
        while (timing.since(begun).compareTo(Duration.ofMinutes(10)) < 0) {
            int keys = ceiling.cut(100_000, 1);
            timing.pass(Duration.ofMillis(milliseconds));
            went(keys);
            went += keys;
            timing.pass(ceiling.owed());
        }

        double second = went / (timing.since(begun).toMillis() / 1e3);
        assertThat(second).isBetween(995.0, 1_001.0);
    }

    @Test
    void each_process_has_the_part_of_its_workers() {
        ceiling.limit(THOUSAND_ROWS);
        ceiling.share(1, 4);
        went(500);
        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(2));

        ceiling.share(3, 4);
        assertThat(ceiling.owed()).as("of three workers").isBetween(Duration.ofMillis(666), Duration.ofMillis(667));
        assertThat(ceiling.cut(100_000, 1)).as("of one of them").isEqualTo(250);

        ceiling.share(1, 5);
        assertThat(ceiling.cut(100_000, 1)).as("of one who comes").isEqualTo(200);
    }

    @Test
    void a_batch_is_at_least_a_key() {
        ceiling.limit(new Ceilings(OptionalLong.of(1), OptionalLong.empty()));
        ceiling.share(1, 10);

        assertThat(ceiling.cut(100, 100)).isEqualTo(1);
        went(1);
        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void what_two_batches_have_seen_of_the_log_counts_once() {
        ceiling.limit(MEGABYTE);
        assertThat(ceiling.isOfWal()).isTrue();
        ceiling.wrote(new Written(0, 3 << 20, false), 30);
        ceiling.wrote(new Written(2 << 20, 4 << 20, false), 10);

        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(4));
        assertThat(ceiling.cut(1_000, 1)).as("of 200 kB each").isEqualTo(5);
    }

    @Test
    void wal_that_others_write_cuts_no_batch_below_the_least() {
        ceiling.limit(MEGABYTE);
        assertThat(ceiling.cut(1_000, 100)).as("as long as nothing is known").isEqualTo(100);
        ceiling.wrote(new Written(0, 100 << 20, false), 10);

        assertThat(ceiling.cut(1_000, 100)).isEqualTo(100);
        assertThat(ceiling.cut(50, 50)).isEqualTo(50);
    }

    @Test
    void who_begins_owes_at_once_so_that_others_wait() {
        ceiling.limit(THOUSAND_ROWS);
        double bytes = ceiling.begin(1_000);
        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(1));

        ceiling.end(1_000, 0, bytes);
        assertThat(ceiling.owed()).as("it was rolled back").isZero();
    }

    @Test
    void wal_of_what_was_rolled_back_counts_and_teaches_nothing() {
        ceiling.limit(MEGABYTE);
        ceiling.wrote(new Written(0, 1 << 20, false), 100);
        ceiling.wrote(new Written(1 << 20, 3 << 20, false), 0);
        ceiling.wrote(new Written(3 << 20, -1, false), 5);

        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(3));
        assertThat(ceiling.cut(1_000, 1)).isEqualTo(100);
    }

    @Test
    void what_was_thought_at_the_beginning_is_taken_back_at_the_end() {
        ceiling.limit(MEGABYTE);
        double first = ceiling.begin(1_000);
        double second = ceiling.begin(1_000);
        ceiling.end(1_000, 1_000, first);
        ceiling.wrote(new Written(0, 3 << 20, false), 1_000);
        ceiling.end(1_000, 1_000, second);
        assertThat(ceiling.owed()).as("nothing was thought of WAL").isEqualTo(Duration.ofSeconds(3));

        double third = ceiling.begin(1_000);
        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(6));
        ceiling.wrote(new Written(3 << 20, 4 << 20, false), 1_000);
        ceiling.end(1_000, 1_000, third);
        assertThat(ceiling.owed()).as("what it wrote instead").isEqualTo(Duration.ofSeconds(4));
    }

    private void went(long keys) {
        ceiling.end(keys, keys, ceiling.begin(keys));
    }

    @Test
    void what_a_session_has_counted_for_itself_counts_whole_whoever_else_writes() {
        ceiling.limit(MEGABYTE);
        ceiling.wrote(new Written(0, 1 << 20, true), 10);
        ceiling.wrote(new Written(0, 1 << 20, true), 10);

        assertThat(ceiling.owed()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void batches_are_measured_while_somebody_wants_to_know() {
        assertThat(ceiling.isOfWal()).isFalse();
        own.want();
        assertThat(ceiling.isOfWal()).isTrue();
        ceiling.wrote(new Written(100, 400, false), 1);
        ceiling.wrote(new Written(200, 500, false), 1);
        assertThat(own.total()).isEqualTo(400);

        timing.pass(Duration.ofSeconds(10));
        assertThat(ceiling.isOfWal()).isFalse();
    }

    @Test
    void a_ceiling_that_is_lifted_leaves_no_debt() {
        ceiling.limit(THOUSAND_ROWS);
        went(1_000_000);
        ceiling.limit(Ceilings.NONE);

        assertThat(ceiling.owed()).isZero();
    }
}
