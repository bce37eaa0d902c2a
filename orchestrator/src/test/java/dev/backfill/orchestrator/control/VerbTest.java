package dev.backfill.orchestrator.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.control.Verb.Meaning;
import dev.backfill.orchestrator.run.RunState;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.aggregator.ArgumentsAccessor;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class VerbTest {

    /** The states in the order of the tables' columns. */
    static final List<RunState> COLUMNS = List.of(
            RunState.PENDING,
            RunState.RUNNING,
            RunState.PAUSED,
            RunState.VERIFYING,
            RunState.SUCCEEDED,
            RunState.FAILED,
            RunState.CANCELLED);

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        // none,   PENDING, RUNNING, PAUSED,  VERIFYING, SUCCEEDED, FAILED,  CANCELLED
        "START,  NEW_RUN, REACHED, REACHED, ILLEGAL, ILLEGAL, NEW_RUN, NEW_RUN, NEW_RUN",
        "PAUSE,  ILLEGAL, PAUSE,   PAUSE,   REACHED, PAUSE,   ILLEGAL, ILLEGAL, ILLEGAL",
        "RESUME, ILLEGAL, ILLEGAL, REACHED, RESUME,  REACHED, ILLEGAL, ILLEGAL, ILLEGAL",
        "CANCEL, ILLEGAL, CANCEL,  CANCEL,  CANCEL,  CANCEL,  ILLEGAL, ILLEGAL, REACHED",
        "RETRY,  ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, RETRY,   ILLEGAL",
        "VERIFY, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, CHECK,   CHECK,   CHECK",
    })
    void a_verb_means_in_each_state_what_the_table_of_the_operating_manual_says(ArgumentsAccessor row) {
        Verb verb = row.get(0, Verb.class);

        assertThat(verb.in(Optional.empty())).as("without a run").isEqualTo(row.get(1, Meaning.class));
        for (RunState state : RunState.values()) {
            assertThat(verb.in(Optional.of(state)))
                    .as("%s", state)
                    .isEqualTo(row.get(2 + COLUMNS.indexOf(state), Meaning.class));
        }
    }

    @ParameterizedTest
    @EnumSource(RunState.class)
    void what_a_verb_does_is_a_way_that_the_states_have(RunState state) {
        for (Verb verb : Verb.values()) {
            boolean legal = switch (verb.in(Optional.of(state))) {
                case PAUSE -> state.canBecome(RunState.PAUSED);
                case CANCEL -> state.canBecome(RunState.CANCELLED);
                case RETRY -> state.canBecome(RunState.RUNNING);
                case RESUME -> state == RunState.PAUSED;
                case NEW_RUN, CHECK -> !state.isUnfinished();
                case REACHED, ILLEGAL -> true;
            };
            assertThat(legal).as("%s of a run that is %s", verb, state).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(RunState.class)
    void what_the_states_do_not_have_is_no_verb(RunState state) {
        if (!state.canBecome(RunState.PAUSED)) {
            assertThat(Verb.PAUSE.in(Optional.of(state))).isIn(Meaning.ILLEGAL, Meaning.REACHED);
        }
        if (!state.canBecome(RunState.CANCELLED)) {
            assertThat(Verb.CANCEL.in(Optional.of(state))).isIn(Meaning.ILLEGAL, Meaning.REACHED);
        }
    }

    @Test
    void words_are_in_small_letters_and_are_read_as_they_are_written() {
        assertThat(Verb.RESUME.word()).isEqualTo("resume");
        assertThat(Verb.of("resume")).contains(Verb.RESUME);
        assertThat(Verb.of("RESUME")).isEmpty();
        assertThat(Verb.of("tune")).isEmpty();
    }
}
