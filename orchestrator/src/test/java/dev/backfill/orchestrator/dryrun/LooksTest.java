package dev.backfill.orchestrator.dryrun;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.sql.Key;
import java.util.List;
import org.junit.jupiter.api.Test;

class LooksTest {

    @Test
    void a_key_that_is_there_several_times_is_gone_as_often_as_it_is_missing() {
        assertThat(Looks.gone(keys("a", "a", "b"), keys("a", "b"), keys("a", "a", "b")))
                .isEqualTo(keys("a"));
        assertThat(Looks.gone(keys("a", "a", "b"), keys("a", "b"), keys("a", "b")))
                .isEmpty();
        assertThat(Looks.gone(keys("a", "b"), keys("b", "c"), keys("a", "b"))).isEqualTo(keys("a"));
    }

    private static List<Key> keys(String... keys) {
        return List.of(keys).stream().map(Key::of).toList();
    }
}
