package dev.backfill.orchestrator.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CursorTest {

    private static final Set<String> DATABASES = Set.of("main", "other", "a:b, c", "größe");

    @Test
    void is_read_as_it_was_written() {
        Cursor cursor = new Cursor(Map.of("other", 5L, "main", 12L, "a:b, c", 0L, "größe", 7L));

        assertThat(cursor.text()).isEqualTo("a%3Ab%2C+c:0,gr%C3%B6%C3%9Fe:7,main:12,other:5");
        assertThat(Cursor.parse(cursor.text(), DATABASES::contains)).isEqualTo(cursor);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ",",
                "main",
                "main:",
                "main:x",
                "main:-1",
                "main:1,",
                "main:1 ",
                " main:1",
                "main:9999999999999999999",
                "unknown:1",
                ":1",
                "%zz:1",
                "main:1;other:2"
            })
    void anything_else_is_refused(String text) {
        assertThatThrownBy(() -> Cursor.parse(text, DATABASES::contains))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("main:12,other:5");
    }
}
