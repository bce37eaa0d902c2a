package dev.backfill.orchestrator.run;

import static dev.backfill.orchestrator.run.RunFixture.OURS;
import static dev.backfill.orchestrator.run.RunFixture.RUN;
import static dev.backfill.orchestrator.run.RunFixture.THEIRS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.backfill.orchestrator.run.Run.Proof;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunTransitionsTest {

    private static final Duration LEASE = Duration.ofMinutes(10);
    private static final Proof NOTHING_LEFT = new Proof("1000", 0);

    private RunFixture fixture;

    @BeforeAll
    void create() throws SQLException {
        fixture = new RunFixture();
    }

    @BeforeEach
    void begin() throws SQLException {
        fixture.reset();
        fixture.begin("100");
    }

    @AfterAll
    void drop() throws SQLException {
        fixture.close();
    }

    @Test
    void a_change_of_state_wins_once() {
        Run seen = run();

        assertThat(fixture.transitions().move(seen, RunState.PAUSED, "first")).isTrue();
        assertThat(fixture.transitions().move(seen, RunState.PAUSED, "second")).isFalse();
        assertThat(fixture.transitions().move(seen, RunState.CANCELLED, "third"))
                .isFalse();

        assertThat(run().state()).isEqualTo(RunState.PAUSED);
        assertThat(run().details().reason()).contains("first");
    }

    @Test
    void a_run_pauses_itself_at_its_canary_once() {
        assertThat(fixture.transitions().pauseAtCanary(run(), "a part is done")).isTrue();
        assertThat(run().state()).isEqualTo(RunState.PAUSED);
        fixture.transitions().resume(run());

        assertThat(fixture.transitions().pauseAtCanary(run(), "a worker that comes late"))
                .isFalse();
        assertThat(run().state()).isEqualTo(RunState.RUNNING);
    }

    @Test
    void what_the_states_do_not_allow_is_not_even_tried() {
        assertThatThrownBy(() -> fixture.transitions().move(run(), RunState.SUCCEEDED, ""))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("RUNNING cannot become SUCCEEDED");
    }

    @Test
    void a_run_is_checked_only_when_every_slice_is_done() throws SQLException {
        assertThat(fixture.transitions().beginVerifying(RUN)).isFalse();

        finishSlices();

        assertThat(fixture.transitions().beginVerifying(RUN)).isTrue();
        assertThat(fixture.transitions().beginVerifying(RUN)).isFalse();
    }

    @Test
    void one_process_checks_a_run_until_its_right_is_over() throws SQLException {
        verifying();
        assertThat(claim(OURS)).isTrue();
        assertThat(claim(OURS)).isTrue();
        assertThat(claim(THEIRS)).isFalse();

        fixture.server().execute("UPDATE backfill.run SET verifier_until = now() - interval '1 s'");
        assertThat(claim(THEIRS)).isTrue();
    }

    @Test
    void the_right_to_check_ends_with_the_session_that_it_was_taken_on() throws SQLException {
        verifying();
        try (Connection session = fixture.worker()) {
            assertThat(fixture.runs().claimVerification(session, RUN, OURS, LEASE))
                    .isTrue();
            assertThat(claim(THEIRS)).isFalse();
        }
        await().untilAsserted(() -> assertThat(claim(THEIRS)).isTrue());
    }

    @Test
    void the_check_of_a_run_that_was_paused_or_failed_is_anybodys_again() throws SQLException {
        verifying();
        claim(OURS);
        fixture.transitions().move(run(), RunState.PAUSED, "");
        fixture.transitions().resume(run());
        assertThat(claim(THEIRS)).isTrue();

        fixture.transitions().conclude(run(), RunState.FAILED, Optional.of(new Proof("1000", 3)), "3 rows left");
        assertThat(run().details().remaining()).contains(3L);
        fixture.transitions().move(run(), RunState.RUNNING, "");
        fixture.transitions().beginVerifying(RUN);
        assertThat(claim(OURS)).isTrue();
    }

    @Test
    void a_paused_run_goes_back_to_where_it_was() throws SQLException {
        verifying();
        fixture.transitions().move(run(), RunState.PAUSED, "enough");

        assertThat(fixture.transitions().resume(run())).isTrue();
        assertThat(fixture.transitions().resume(run())).isFalse();

        assertThat(run().state()).isEqualTo(RunState.VERIFYING);
        assertThat(run().details().reason()).isEmpty();
    }

    @Test
    void the_proof_is_written_with_the_state_or_not_at_all() throws SQLException {
        verifying();
        Run seen = run();
        fixture.transitions().move(seen, RunState.CANCELLED, "");
        assertThat(fixture.transitions().conclude(seen, RunState.SUCCEEDED, Optional.of(NOTHING_LEFT), ""))
                .isFalse();
        assertThat(fixture.server().queryLong("SELECT count(*) FROM backfill.proof"))
                .isZero();
        assertThat(run().details().remaining()).isEmpty();

        begin();
        verifying();
        assertThat(fixture.transitions().conclude(run(), RunState.SUCCEEDED, Optional.of(NOTHING_LEFT), ""))
                .isTrue();
        assertThat(fixture.server()
                        .queryStrings("SELECT concat_ws(' ', job, run, horizon, remaining) FROM backfill.proof"))
                .containsExactly("fill " + RUN + " 1000 0");
    }

    @Test
    void a_job_has_one_unfinished_run_at_most() {
        assertThat(fixture.insert("another")).isFalse();

        fixture.transitions().move(run(), RunState.CANCELLED, "");

        assertThat(fixture.insert("another")).isTrue();
        assertThat(fixture.runs().latest("fill").orElseThrow().id()).isEqualTo("another");
    }

    @Test
    void every_change_of_state_leaves_an_event() throws SQLException {
        fixture.server().execute("TRUNCATE backfill.event");
        verifying();
        fixture.transitions().conclude(run(), RunState.FAILED, Optional.empty(), "3 rows left");

        assertThat(fixture.server()
                        .queryStrings("SELECT concat_ws(' ', who, subject, \"from\", \"to\", detail->>'reason')"
                                + " FROM backfill.event ORDER BY id"))
                .containsExactly("test fill RUNNING VERIFYING", "test fill VERIFYING FAILED 3 rows left");
    }

    private boolean claim(String owner) throws SQLException {
        return fixture.runs().claimVerification(fixture.worker(), RUN, owner, LEASE);
    }

    private void verifying() throws SQLException {
        finishSlices();
        fixture.transitions().beginVerifying(RUN);
    }

    private void finishSlices() throws SQLException {
        fixture.server().execute("UPDATE backfill.slice SET state = 'DONE'");
    }

    private Run run() {
        return fixture.runs().find(RUN);
    }
}
