package dev.backfill.orchestrator.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProblemTest {

    @Test
    void is_shown_with_its_place_and_hint() {
        assertThat(new Problem("a.yaml", 3, 5, "it is wrong", "mend it"))
                .hasToString("a.yaml:3:5: it is wrong (mend it)");
    }

    @Test
    void is_shown_without_parentheses_when_there_is_no_hint() {
        assertThat(new Problem("a.yaml", 3, 5, "it is wrong", "").display()).isEqualTo("a.yaml:3:5: it is wrong");
    }

    @Test
    void problems_are_in_the_order_of_the_file() {
        Stream<Problem> problems = Stream.of(problem(10, 1), problem(9, 30), problem(9, 4));
        assertThat(problems.sorted()).containsExactly(problem(9, 4), problem(9, 30), problem(10, 1));
    }

    @ParameterizedTest
    @CsvSource({
        "tabel, table",
        "TABLE, table",
        "paralelism, parallelism",
        "batches, batch",
        "erors, errors",
        "sq, sql",
        "xyz,",
        "description_of_it,"
    })
    void asks_for_the_nearest_word_when_one_is_near(String word, String nearest) {
        List<String> known = List.of("table", "parallelism", "batch", "errors", "sql", "description");
        assertThat(Problem.didYouMean(word, known)).isEqualTo(nearest == null ? "" : "did you mean `" + nearest + "`?");
    }

    private static Problem problem(int line, int column) {
        return new Problem("f", line, column, "m", "");
    }
}
