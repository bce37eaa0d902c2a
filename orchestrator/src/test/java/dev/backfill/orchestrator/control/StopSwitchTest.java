package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.StopSwitch.Stopped;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.AtOnce;
import dev.backfill.orchestrator.testing.TestStores;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StopSwitchTest {

    private static final Cause ANN = new Cause("ann", "fire");
    private static final Cause BOB = new Cause("bob", "");

    private TestStores stores;
    private StopSwitch stopSwitch;

    @BeforeAll
    void create() throws SQLException {
        stores = new TestStores();
        stopSwitch = new StopSwitch(stores.database(), stores.events());
    }

    @BeforeEach
    void clear() throws SQLException {
        stores.clear();
    }

    @AfterAll
    void drop() throws SQLException {
        stores.close();
    }

    @Test
    void nothing_is_stopped_at_first() {
        assertThat(stopSwitch.read().stopped()).isEmpty();
    }

    @Test
    void a_stop_is_seen_by_every_process_with_who_said_it_and_why() throws SQLException {
        stopSwitch.stop(ANN);

        try (TestStores other = stores.beside()) {
            Stopped stopped = new StopSwitch(other.database(), other.events())
                    .read()
                    .stopped()
                    .orElseThrow();
            assertThat(stopped.cause()).isEqualTo(ANN);
            assertThat(stopped.display()).isEqualTo("everything was stopped by ann at " + stopped.since() + ": fire");
        }
    }

    @Test
    void a_stop_without_a_reason_says_none() {
        Instant since = Instant.parse("2026-11-01T22:00:00Z");

        assertThat(new Stopped(since, BOB).display())
                .isEqualTo("everything was stopped by bob at 2026-11-01T22:00:00Z");
    }

    @Test
    void the_first_who_stops_is_remembered() {
        stopSwitch.stop(ANN);
        stopSwitch.stop(BOB);

        assertThat(stopSwitch.read().stopped().map(Stopped::cause)).contains(ANN);
    }

    @Test
    void a_lifted_stop_is_gone_and_can_be_said_again() {
        stopSwitch.stop(ANN);
        stopSwitch.lift(BOB);
        assertThat(stopSwitch.read().stopped()).isEmpty();

        stopSwitch.stop(BOB);
        assertThat(stopSwitch.read().stopped().map(Stopped::cause)).contains(BOB);
    }

    @Test
    void only_what_changes_the_switch_is_written_down() throws SQLException {
        stopSwitch.lift(BOB);
        stopSwitch.stop(ANN);
        stopSwitch.stop(BOB);
        stopSwitch.lift(BOB);
        stopSwitch.lift(ANN);

        assertThat(stores.log()).containsExactly("ann | stop | - | stopped | fire", "bob | stop | - | released");
    }

    @Test
    void many_who_stop_at_once_are_one_stop() throws Exception {
        AtOnce.call(6, number -> {
            stopSwitch.stop(new Cause("number " + number, ""));
            return number;
        });

        assertThat(stores.log()).hasSize(1);
        assertThat(stopSwitch.read().stopped()).isPresent();
    }

    @Test
    void the_states_of_runs_stay_as_they_are() throws SQLException {
        stores.addRun("fill", "1", RunState.RUNNING);
        stores.addRun("other", "2", RunState.PAUSED);

        stopSwitch.stop(ANN);
        stopSwitch.lift(ANN);

        assertThat(stores.run("1", "state")).isEqualTo("RUNNING");
        assertThat(stores.run("2", "state")).isEqualTo("PAUSED");
    }

    @Test
    void the_reading_has_the_clock_of_the_database() {
        Instant before = stores.queue().now();
        Instant read = stopSwitch.read().time();

        assertThat(Duration.between(before, read)).isBetween(Duration.ZERO, Duration.ofSeconds(10));
    }
}
