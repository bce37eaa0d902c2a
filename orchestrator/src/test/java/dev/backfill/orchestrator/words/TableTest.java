package dev.backfill.orchestrator.words;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Columns of text. */
class TableTest {

    private final Table table = new Table("JOB", "STATE", "HOLD");

    @Test
    void a_column_is_as_wide_as_what_is_in_it() {
        table.add("orders-total-cents", "RUNNING", "window");
        table.add("a", "-", "-");

        assertThat(table.lines())
                .containsExactly(
                        "JOB                 STATE    HOLD",
                        "orders-total-cents  RUNNING  window",
                        "a                   -        -");
    }

    @Test
    void without_rows_there_are_the_headings() {
        assertThat(table.lines()).containsExactly("JOB  STATE  HOLD");
    }

    @Test
    void a_colour_takes_no_room_and_a_character_of_two_units_takes_one() {
        table.add("a", "\u001b[31mFAILED\u001b[0m", "x");
        table.add("\ud83d\ude00bcd", "PAUSED", "");

        assertThat(table.lines())
                .containsExactly("JOB   STATE   HOLD", "a     \u001b[31mFAILED\u001b[0m  x", "\ud83d\ude00bcd  PAUSED");
    }

    @Test
    void a_row_has_as_many_cells_as_there_are_headings() {
        assertThatThrownBy(() -> table.add("a", "b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> table.add("a", "b", "c", "d")).isInstanceOf(IllegalArgumentException.class);
    }
}
