package dev.backfill.orchestrator.admin;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    @Test
    void writes_what_it_was_given_in_order() {
        Json json = Json.of("text", "a \"b\" é \u0001 </script>")
                .put("number", 7L)
                .put("part", 0.25)
                .put("time", Instant.parse("2026-01-02T03:04:05.600Z"))
                .put("there", Optional.of(Instant.EPOCH))
                .put("missing", Optional.empty())
                .putNull("nothing")
                .put("objects", List.of(Json.of("a", true), Json.empty()))
                .put("keys", Optional.of(List.of("1", "x")))
                .put("given", Json.value("{\"z\": [1, null]}"))
                .putAll(Json.of("last", 1));

        assertThat(new String(json.bytes(), UTF_8))
                .isEqualTo("{\"text\":\"a \\\"b\\\" é \\u0001 </script>\",\"number\":7,\"part\":0.25,"
                        + "\"time\":\"2026-01-02T03:04:05.600Z\",\"there\":\"1970-01-01T00:00:00Z\",\"missing\":null,"
                        + "\"nothing\":null,\"objects\":[{\"a\":true},{}],\"keys\":[\"1\",\"x\"],"
                        + "\"given\":{\"z\":[1,null]},\"last\":1}");
    }

    @Test
    void finds_a_member_of_a_text() {
        assertThat(Json.member("{\"a\": 1}", "b")).isEmpty();
        assertThat(Json.member("{\"a\": {\"b\": 1}}", "a")).hasToString("Optional[{\"b\":1}]");
    }

    @Test
    void reads_texts() {
        assertThat(Json.texts("{}".getBytes(UTF_8))).isEmpty();
        assertThat(Json.texts(" {\"reason\": \"wegen \\u00dc\", \"a\": \"\"} ".getBytes(UTF_8)))
                .containsEntry("reason", "wegen Ü")
                .containsEntry("a", "");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " ",
                "null",
                "[]",
                "\"reason\"",
                "{",
                "{}{}",
                "{} x",
                "{reason: \"x\"}",
                "{\"a\": 1}",
                "{\"a\": null}",
                "{\"a\": {\"b\": \"c\"}}",
                "{\"a\": \"1\", \"a\": \"2\"}",
                "{\"a\": \"\\ud800",
                "reason=because"
            })
    void refuses_everything_else(String text) {
        assertThatThrownBy(() -> Json.texts(text.getBytes(UTF_8))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refuses_other_encodings_and_depths() {
        assertThatThrownBy(() -> Json.texts("{\"a\": \"é\"}".getBytes(ISO_8859_1)))
                .hasMessage("the body is not UTF-8");
        assertThatThrownBy(() -> Json.texts("{}".getBytes(UTF_16))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Json.texts("[".repeat(100_000).getBytes(UTF_8)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
