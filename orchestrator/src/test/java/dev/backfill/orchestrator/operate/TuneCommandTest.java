package dev.backfill.orchestrator.operate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.backfill.orchestrator.client.RefusedException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** What a change is in words, and what it is for the daemon. */
class TuneCommandTest {

    @Test
    void keys_are_put_into_their_sections() throws Exception {
        String change = TuneCommand.change(List.of(
                        "batch.size=500",
                        "parallelism=2",
                        "throttle.replication-lag.budget=3s",
                        "batch.rows-per-second=null",
                        "throttle.archive-backlog=off"))
                .toString();

        assertThat(JsonMapper.shared().readTree(change))
                .isEqualTo(JsonMapper.shared().readTree("""
                        {
                          "batch": {"size": 500, "rows-per-second": null},
                          "parallelism": 2,
                          "throttle": {"replication-lag": {"budget": "3s"}, "archive-backlog": "off"}
                        }
                        """));
    }

    @ParameterizedTest
    @CsvSource({
        "7, 7",
        "-7, -7",
        "0, 0",
        "1.5, 1.5",
        "true, true",
        "false, false",
        "null, null",
        "on, '\"on\"'",
        "40%, '\"40%\"'",
        "007, '\"007\"'",
        "1e3, '\"1e3\"'",
        "a=b, '\"a=b\"'",
        "'{}', '\"{}\"'",
        "1234567890123456789012, '\"1234567890123456789012\"'"
    })
    void a_value_is_what_yaml_makes_of_it(String value, String json) throws Exception {
        assertThat(TuneCommand.change(List.of("x.y=" + value))
                        .path("x")
                        .path("y")
                        .toString())
                .isEqualTo(json);
    }

    @ParameterizedTest
    @CsvSource({
        "batch.size, is no KEY=VALUE",
        "=5, is no key",
        "batch.=5, is no key",
        ".size=5, is no key",
        "batch..size=5, is no key",
        "batch.size=, has no value",
        "batch.size=1 batch.size=2, is set twice",
        "batch=null batch.size=2, beside a key that it is a part of",
        "batch.size=2 batch=null, is set twice"
    })
    void what_makes_no_sense_is_said(String settings, String said) {
        RefusedException refused =
                catchThrowableOfType(RefusedException.class, () -> TuneCommand.change(List.of(settings.split(" "))));

        assertThat(refused).isNotNull();
        assertThat(refused).hasMessageContaining(said);
        assertThat(refused.exitCode()).isEqualTo(2);
    }
}
