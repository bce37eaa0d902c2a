package dev.backfill.orchestrator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.testing.SettableTiming;
import dev.backfill.orchestrator.throttle.Throttle;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunDriverTest {

    @Test
    void a_run_that_pauses_before_its_first_batch_is_heard_of_once() throws Exception {
        List<RunState> heard = new ArrayList<>();
        RunListener listener = new RunListener() {
            @Override
            public void stateChanged(Run run) {
                heard.add(run.state());
            }
        };
        try (ContextFixture fixture = new ContextFixture()) {
            Run pending = fixture.pending();

            Run run = new RunDriver(fixture.context(new Throttle(List.of()), listener, new SettableTiming()))
                    .drive(pending);

            assertThat(run.state()).isEqualTo(RunState.PAUSED);
            assertThat(run.details().reason())
                    .hasValueSatisfying(why -> assertThat(why).contains("orders", "42P01"));
            assertThat(heard).containsExactly(RunState.PAUSED);
        }
    }
}
