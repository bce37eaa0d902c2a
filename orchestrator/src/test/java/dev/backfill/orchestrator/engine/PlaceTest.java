package dev.backfill.orchestrator.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.backfill.api.Pacing.Ceilings;
import dev.backfill.orchestrator.engine.RunContext.Limits;
import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.run.Slice.Bounds;
import dev.backfill.orchestrator.run.Slice.Lease;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.testing.RecordingListener;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Throttle;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** How a worker waits that keeps its slice. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlaceTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Slice SLICE = new Slice(
            new Slice.Id(ContextFixture.RUN, 7),
            new Lease("us", 1, 0),
            new Bounds(Optional.empty(), Key.of("9")),
            Optional.empty(),
            1);

    private ContextFixture fixture;
    private SettableTiming timing;
    private Limits limits;
    private Keeper keeper;
    private Stop stop;
    private Place place;

    @BeforeAll
    void create() throws SQLException {
        fixture = new ContextFixture();
    }

    @BeforeEach
    void begin() {
        timing = new SettableTiming();
        RunContext context = fixture.context(new Throttle(List.of()), new RecordingListener(), timing);
        limits = context.limits();
        limits.ceiling().limit(new Ceilings(OptionalLong.of(1_000), OptionalLong.empty()));
        keeper = new Keeper(context.stores().slices(), context.stores().leases(), timing, Duration.ofMinutes(1));
        stop = new Stop(timing);
        place = new Place(1, keeper, new Crowd(context, keeper), stop);
    }

    @AfterAll
    void drop() throws SQLException {
        fixture.close();
    }

    @Test
    void a_rest_is_as_long_as_the_pace_wants_whoever_waits_for_a_worker() throws Exception {
        Stop over = somebodyWaits();
        place.rest(SLICE, Duration.ofMillis(2_500));
        over.request();

        assertThat(timing.waits()).containsExactly(SECOND, SECOND, Duration.ofMillis(500));
        assertThat(keeper.numbers()).as("it is kept").containsExactly(7);
    }

    @Test
    void what_is_owed_is_waited_for_and_the_slice_kept() {
        limits.ceiling().begin(3_000);

        assertThat(place.workOff(SLICE, limits)).isTrue();
        assertThat(timing.waits()).containsExactly(SECOND, SECOND, SECOND);
        assertThat(keeper.numbers()).containsExactly(7);
    }

    @Test
    void what_is_owed_for_long_or_while_others_wait_is_waited_for_without_a_slice() throws Exception {
        limits.ceiling().begin(5_100);
        assertThat(place.workOff(SLICE, limits)).as("for long").isFalse();
        timing.pass(Duration.ofSeconds(3));
        Stop over = somebodyWaits();
        assertThat(place.workOff(SLICE, limits)).as("while others wait").isFalse();
        over.request();

        assertThat(timing.waits()).isEmpty();
    }

    @Test
    void nobody_waits_any_longer_when_work_is_asked_to_stop() {
        stop.request();
        place.rest(SLICE, Duration.ofHours(1));
        limits.ceiling().begin(3_000);

        assertThat(place.workOff(SLICE, limits)).isFalse();
        assertThat(timing.waits()).isEmpty();
    }

    /** The only hand is taken, and a thread stands in line for it until that is over. */
    private Stop somebodyWaits() throws Exception {
        Hands hands = limits.hands();
        Stop over = new Stop(Timing.system());
        assertThat(hands.take(over, () -> {})).isTrue();
        Thread thread = new Thread(() -> hands.take(over, () -> {}), "in line");
        thread.setDaemon(true);
        thread.start();
        await().until(hands::areWanted);
        return over;
    }
}
