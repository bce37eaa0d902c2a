package dev.backfill.orchestrator.dryrun;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.words.Quantity;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FiguresTest {

    private final Locale before = Locale.getDefault();

    @BeforeEach
    void go_where_figures_are_written_otherwise() {
        Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
        assertThat("%d".formatted(7)).isNotEqualTo("7");
    }

    @AfterEach
    void come_back() {
        Locale.setDefault(before);
    }

    @Test
    void figures_are_the_same_in_every_country() {
        assertThat(Figures.count(1, "key", "keys")).isEqualTo("1 key");
        assertThat(Figures.count(1_234_567, "key", "keys")).isEqualTo("1,234,567 keys");
        assertThat(Figures.time(Duration.ofMillis(999))).isEqualTo("999 ms");
        assertThat(Figures.seconds(61.26)).isEqualTo("61.3 s");
        assertThat(Figures.seconds(7_000)).isEqualTo("116 min");
        assertThat(Figures.seconds(9_000)).isEqualTo("2.5 h");
        assertThat(Quantity.size(1_023)).isEqualTo("1,023 bytes");
        assertThat(Quantity.size(1_536)).isEqualTo("1.5 kB");
        assertThat(Quantity.size(3_000_000_000_000_000L)).isEqualTo("2,728.5 TB");
    }
}
