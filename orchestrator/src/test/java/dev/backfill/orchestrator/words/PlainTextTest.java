package dev.backfill.orchestrator.words;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What of a stranger's text a terminal may have. */
class PlainTextTest {

    @Test
    void letters_of_every_script_signs_and_spaces_stay() {
        String text = "Grüße, 東京 \u05e9\u05dc\u05d5\u05dd, na\u0308mlich: 5 € \\u001b \u00a0\ud83d\ude00 <a href='x'>";

        assertThat(PlainText.of(text)).isEqualTo(text);
        assertThat(PlainText.lines(text)).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0, 7, 8, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f, 0x80, 0x84, 0x85, 0x90, 0x9b, 0x9c, 0x9d, 0x9f, 0xad, 0x061c,
                0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202d, 0x202e, 0x2066, 0x2067, 0x2069, 0xfeff, 0xd800,
                0xdfff
            })
    void what_steers_a_terminal_or_is_not_seen_is_shown_by_its_number(int character) {
        String text = "a" + (char) character + "b";

        assertThat(PlainText.of(text)).isEqualTo("a\\u%04xb".formatted(character));
        assertThat(PlainText.lines(text)).doesNotContain(Character.toString(character));
    }

    @Test
    void what_takes_two_units_takes_two_numbers() {
        assertThat(PlainText.of("a" + Character.toString(0xe0041) + "b")).isEqualTo("a\\udb40\\udc41b");
    }

    @Test
    void a_line_break_stays_only_between_lines() {
        String text = "one\r\n\ttwo\n\nfour\n";

        assertThat(PlainText.of(text)).isEqualTo("one\\r\\n\\ttwo\\n\\nfour\\n");
        assertThat(PlainText.lines(text)).isEqualTo("one\n\\ttwo\n\nfour");
    }

    @Test
    void json_stays_the_same_json() {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("name\u202e", "\u009b31m \u2028 \ud83d\ude00 \\ \" \n " + Character.toString(0xe0041));
        json.putArray("list").add("\u007f").add(1);
        String plain = PlainText.lines(json.toPrettyString());

        assertThat(JsonMapper.shared().readTree(plain)).isEqualTo(json);
        assertThat(plain).doesNotContain("\u202e", "\u009b", "\u2028", "\u007f").contains("\\u009b31m", "\ud83d\ude00");
    }
}
