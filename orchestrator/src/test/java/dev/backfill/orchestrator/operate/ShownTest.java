package dev.backfill.orchestrator.operate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How what the daemon says looks. */
class ShownTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0s",
        "59, 59s",
        "60, 1m 0s",
        "3599, 59m 59s",
        "3600, 1h 0m",
        "86399, 23h 59m",
        "86400, 1d 0h",
        "900000, 10d 10h"
    })
    void a_duration_has_its_two_largest_units(long seconds, String shown) {
        assertThat(Shown.duration(seconds)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.0%",
        "0.0, 0.0%",
        "0.0009, 0.0%",
        "0.57, 57.0%",
        "0.4182, 41.8%",
        "0.9999, 99.9%",
        "1.0, 100.0%",
        "null, -"
    })
    void a_part_is_all_only_when_it_is(String part, String shown) {
        assertThat(Shown.part(json(part))).isEqualTo(shown);
    }

    @Test
    void what_is_not_there_is_a_dash() {
        JsonNode run = json("{\"hold\": null, \"eta\": null, \"rows\": {\"changed\": 0, \"remaining\": null}}");

        assertThat(Shown.orNothing(run.path("rows"), "changed")).isEqualTo("0");
        assertThat(Shown.orNothing(run.path("rows"), "remaining")).isEqualTo("-");
        assertThat(Shown.duration(run.path("eta"))).isEqualTo("-");
        assertThat(new Shown(true).hold(run)).isEqualTo("-");
        assertThat(new Shown(true).state(run)).isEqualTo("-");
    }

    @Test
    void a_time_is_told_to_the_second() {
        JsonNode run = json("{\"a\": \"2026-11-28T03:08:42.697788Z\", \"b\": \"2026-11-28T03:08:42Z\", \"c\": null}");

        assertThat(Shown.time(run, "a")).isEqualTo("2026-11-28T03:08:42Z");
        assertThat(Shown.time(run, "b")).isEqualTo("2026-11-28T03:08:42Z");
        assertThat(Shown.time(run, "c")).isEmpty();
        assertThat(Shown.timeOrNothing(run, "c")).isEqualTo("-");
    }

    @Test
    void there_are_colours_only_where_they_are_seen() {
        JsonNode run = json("{\"state\": \"FAILED\", \"hold\": {\"reason\": \"window\"}}");

        assertThat(new Shown(false).state(run)).isEqualTo("FAILED");
        assertThat(new Shown(false).heading("x")).isEqualTo("x");
        assertThat(new Shown(true).state(run)).isEqualTo("\u001b[31mFAILED\u001b[0m");
        assertThat(new Shown(true).hold(run)).isEqualTo("\u001b[33mwindow\u001b[0m");
    }

    @Test
    void what_others_wrote_is_plain_also_in_names_and_words() {
        JsonNode strange =
                json("{\"state\": \"\\u001b[2J\", \"hold\": {\"reason\": \"\\u009b\"}, \"a\\u202e\": [\"\\u009b\"]}");

        assertThat(new Shown(false).state(strange)).isEqualTo("\\u001b[2J");
        assertThat(new Shown(false).hold(strange)).isEqualTo("\\u009b");
        assertThat(Shown.members(strange)).contains("a\\u202e=[\"\\u009b\"]").doesNotContain("\u202e", "\u009b");
    }

    @Test
    void members_stand_in_a_line() {
        assertThat(Shown.members(json("{\"reason\": \"why not\", \"rows\": 5, \"key\": [\"1\"]}")))
                .isEqualTo("reason=why not, rows=5, key=[\"1\"]");
        assertThat(Shown.members(json("{}"))).isEmpty();
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
