package dev.backfill.orchestrator.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What may be a token. */
class ServerOptionsTest {

    @Test
    void a_token_stands_alone() throws Exception {
        assertThat(ServerOptions.token(null)).isEmpty();
        assertThat(ServerOptions.token(" \t\r\n")).isEmpty();
        assertThat(ServerOptions.token(" aZ09~!\n")).contains("aZ09~!");
    }

    @ParameterizedTest
    @CsvSource({"'s3cr et', 5", "'  s3crxet ', 7", "'s3cret\u00e4', 7", "'s3cr\u007f', 5", "'s\u0000ecret', 2"})
    void what_is_no_token_is_not_shown(String value, int place) {
        String broken = value.replace('x', '\n');
        RefusedException refused = catchThrowableOfType(RefusedException.class, () -> ServerOptions.token(broken));

        assertThat(refused).isNotNull();
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.getMessage())
                .contains("BACKFILL_TOKEN", "character " + place + " of " + value.length())
                .doesNotContain("s3c", "ecret");
    }
}
