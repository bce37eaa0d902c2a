package dev.backfill.orchestrator.dryrun;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the condition of an index speaks of. */
class ConditionTest {

    @ParameterizedTest
    @CsvSource({
        "((t.id > 5) AND (t.id <= 10)), id, true",
        "(id = 5), id, true",
        "(t.other_id = 5), id, false",
        "(t.\"Id\" = 5), \"Id\", true",
        "(t.\"my id\" = 5), id, false",
        "\"(t.kind = 'it''s id here'::text)\", id, false",
        "(t.idx = 5), id, false"
    })
    void a_condition_names_a_column_only_as_a_whole_word_outside_of_texts(
            String condition, String column, boolean names) {
        assertThat(StatementPlan.names(condition, column)).isEqualTo(names);
    }
}
