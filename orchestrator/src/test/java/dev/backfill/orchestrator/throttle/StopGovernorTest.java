package dev.backfill.orchestrator.throttle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class StopGovernorTest {

    private final AtomicReference<Optional<String>> stop = new AtomicReference<>(Optional.empty());
    private final StopGovernor governor = new StopGovernor(stop::get);

    @Test
    void it_is_called_stopped() {
        assertThat(governor.name()).isEqualTo("stopped");
    }

    @Test
    void everything_is_held_while_a_stop_is_said() {
        assertThat(governor.pace()).isEqualTo(Pace.FULL);

        stop.set(Optional.of("stopped by ann"));
        assertThat(governor.pace())
                .isEqualTo(Pace.hold(
                        new Reason("stopped", "stopped by ann", "everything goes on once the stop is lifted")));

        stop.set(Optional.empty());
        assertThat(governor.pace()).isEqualTo(Pace.FULL);
    }
}
