package dev.backfill.orchestrator.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunStateTest {

    /** The contract's table. Resuming goes back to where the run was paused. */
    @ParameterizedTest
    @CsvSource({
        "PENDING,   RUNNING PAUSED FAILED CANCELLED",
        "RUNNING,   PAUSED VERIFYING FAILED CANCELLED",
        "PAUSED,    PENDING RUNNING VERIFYING FAILED CANCELLED",
        "VERIFYING, RUNNING PAUSED SUCCEEDED FAILED CANCELLED",
        "SUCCEEDED, ''",
        "FAILED,    RUNNING",
        "CANCELLED, ''"
    })
    void a_run_goes_only_where_the_table_says(RunState from, String ways) {
        Set<RunState> legal = Arrays.stream(ways.split(" "))
                .filter(way -> !way.isEmpty())
                .map(RunState::valueOf)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(RunState.class)));

        for (RunState to : RunState.values()) {
            assertThat(from.canBecome(to)).as("%s to %s", from, to).isEqualTo(legal.contains(to));
        }
    }

    @Test
    void a_run_that_has_ended_is_not_unfinished() {
        assertThat(RunState.values())
                .filteredOn(RunState::isUnfinished)
                .containsExactly(RunState.PENDING, RunState.RUNNING, RunState.PAUSED, RunState.VERIFYING);
    }
}
