package dev.backfill.orchestrator.run;

import static dev.backfill.orchestrator.run.RunFixture.OURS;
import static dev.backfill.orchestrator.run.RunFixture.RUN;
import static dev.backfill.orchestrator.run.RunFixture.THEIRS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.Checkpoints.Batch;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.sql.Key;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CheckpointsTest {

    private static final Batch FIRST = new Batch(Key.of("40"), 40, 39);
    private static final Batch LAST = new Batch(Key.of("100"), 60, 60);

    private RunFixture fixture;
    private Connection worker;

    @BeforeAll
    void create() throws SQLException {
        fixture = new RunFixture();
    }

    @BeforeEach
    void begin() throws SQLException {
        fixture.reset();
        fixture.begin("100");
        worker = fixture.worker();
    }

    @AfterAll
    void drop() throws SQLException {
        fixture.close();
    }

    /** What may have happened to a slice while a worker was busy with a batch, and what of the statement is for it. */
    enum Lateness {
        CLAIM_LOST_IN_A_CRASH_AND_GIVEN_TO_ANOTHER_PROCESS_UNDER_THE_SAME_NUMBER("AND owner = ?") {
            @Override
            Slice happen(RunFixture fixture, Connection worker) throws SQLException {
                String before = fixture.slice(1);
                Slice lost = claim(fixture, worker);
                fixture.server()
                        .execute("UPDATE backfill.slice s SET state = r.state, owner = r.owner, fence = r.fence,"
                                + " lease_until = r.lease_until, backend_pid = r.backend_pid,"
                                + " backend_start = r.backend_start"
                                + " FROM (SELECT ('" + before + "'::backfill.slice).*) AS r");
                Slice theirs =
                        fixture.leases(THEIRS).claim(fixture.worker(), RUN, 1).orElseThrow();
                assertThat(theirs.lease().fence()).isEqualTo(lost.lease().fence());
                return lost;
            }
        },
        CLAIMED_ANEW_BY_THE_SAME_PROCESS("AND fence = ?") {
            @Override
            Slice happen(RunFixture fixture, Connection worker) throws SQLException {
                Slice old = claim(fixture, worker);
                assertThat(fixture.leases(OURS).claimAnew(fixture.worker(), old, true))
                        .isPresent();
                return old;
            }
        },
        DONE("AND state = 'RUNNING'") {
            @Override
            Slice happen(RunFixture fixture, Connection worker) throws SQLException {
                Slice claimed = claim(fixture, worker);
                fixture.checkpoints().move(worker, claimed, LAST);
                return claimed.at(LAST.to());
            }
        },
        BATCH_COMMITTED_ALREADY("AND checkpoint IS NOT DISTINCT FROM to_jsonb(CAST(? AS text[]))") {
            @Override
            Slice happen(RunFixture fixture, Connection worker) throws SQLException {
                Slice claimed = claim(fixture, worker);
                fixture.checkpoints().move(worker, claimed, FIRST);
                return claimed;
            }
        },
        SPLIT("AND \"to\" = to_jsonb(CAST(? AS text[]))") {
            @Override
            Slice happen(RunFixture fixture, Connection worker) throws SQLException {
                Slice claimed = claim(fixture, worker);
                assertThat(fixture.slices().split(fixture.slices().working(RUN).get(0), Key.of("30")))
                        .isTrue();
                return claimed;
            }
        };

        private final String condition;

        Lateness(String condition) {
            this.condition = condition;
        }

        /** Lets it happen; the slice as the late worker takes it for. */
        abstract Slice happen(RunFixture fixture, Connection worker) throws SQLException;

        /** The statement as if this condition were not in it; its parameter stays. */
        String cutOut(String statement) {
            assertThat(statement.split(Pattern.quote(condition), -1))
                    .as("times that the statement says: " + condition)
                    .hasSize(2);
            return statement.replace(condition, "AND (" + condition.substring("AND ".length()) + " OR true)");
        }

        private static Slice claim(RunFixture fixture, Connection worker) throws SQLException {
            return fixture.leases(OURS).claim(worker, RUN, 1).orElseThrow();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_late_commit_is_stopped_by_one_condition_alone(Lateness lateness) throws SQLException {
        Slice taken = lateness.happen(fixture, worker);
        String before = fixture.slice(1);

        worker.setAutoCommit(false);
        assertThat(fixture.checkpoints().move(worker, taken, FIRST)).isEmpty();
        worker.commit();
        assertThat(fixture.slice(1)).isEqualTo(before);

        String without = lateness.cutOut(Checkpoints.MOVE);
        assertThat(fixture.checkpoints().move(worker, without, taken, FIRST)).contains(RunState.RUNNING);
        worker.commit();
        assertThat(fixture.slice(1)).isNotEqualTo(before);
    }

    @Test
    void a_slice_that_was_given_back_takes_no_commit() throws SQLException {
        Slice claimed = claim();
        fixture.leases(OURS).giveBack(worker, claimed, Duration.ZERO);

        assertThat(fixture.checkpoints().move(worker, claimed, FIRST)).isEmpty();
        assertThat(fixture.slice(1, "state")).isEqualTo("READY");
    }

    @Test
    void a_batch_moves_the_checkpoint_and_the_counters() throws SQLException {
        Slice claimed = claim();

        assertThat(fixture.checkpoints().move(worker, claimed, FIRST)).contains(RunState.RUNNING);

        assertThat(fixture.slice(1, "concat_ws(' ', checkpoint, state, rows_scanned, rows_changed, batches)"))
                .isEqualTo("[\"40\"] RUNNING 40 39 1");
    }

    @Test
    void the_batch_that_reaches_the_end_makes_the_slice_done() throws SQLException {
        Slice claimed = claim();
        fixture.checkpoints().move(worker, claimed, FIRST);

        assertThat(fixture.checkpoints().move(worker, claimed.at(FIRST.to()), LAST))
                .contains(RunState.RUNNING);

        assertThat(fixture.slice(1, "concat_ws(' ', checkpoint, state, rows_scanned, rows_changed, batches)"))
                .isEqualTo("[\"100\"] DONE 100 99 2");
        assertThat(fixture.leases(THEIRS).claim(fixture.worker(), RUN, 9)).isEmpty();
    }

    @Test
    void a_batch_learns_that_the_run_was_paused() throws SQLException {
        Slice claimed = claim();
        fixture.transitions().move(fixture.runs().find(RUN), RunState.PAUSED, "enough for today");

        assertThat(fixture.checkpoints().move(worker, claimed, FIRST)).contains(RunState.PAUSED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "NULL", "null", "a,b", "{}", "\"", "\\", "a'b", " ", "ü€\uD83D\uDE00", "\t\n"})
    void a_key_of_any_text_is_stored_and_found_again(String text) throws SQLException {
        Key end = new Key(Arrays.asList(text, "end"));
        Key middle = new Key(Arrays.asList(null, text));
        fixture.reset();
        fixture.begin(List.of(new Bounds(Optional.of(Key.NULLS), end)));
        worker = fixture.worker();
        Slice claimed = claim();
        assertThat(claimed.bounds()).isEqualTo(new Bounds(Optional.of(Key.NULLS), end));

        fixture.checkpoints().move(worker, claimed, new Batch(middle, 1, 1));
        Slice again = fixture.leases(OURS).readAgain(worker, claimed).orElseThrow();
        assertThat(again.checkpoint()).contains(middle);

        fixture.checkpoints().move(worker, again, new Batch(end, 1, 1));
        assertThat(fixture.slice(1, "state")).isEqualTo("DONE");
    }

    private Slice claim() throws SQLException {
        return fixture.leases(OURS).claim(worker, RUN, 1).orElseThrow();
    }
}
