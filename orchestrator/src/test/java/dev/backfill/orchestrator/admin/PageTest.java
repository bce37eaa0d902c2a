package dev.backfill.orchestrator.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.backfill.orchestrator.admin.RunRoutes.Page;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PageTest {

    private static final Comparator<Integer> TENS = Comparator.comparingInt((Integer i) -> i / 10);

    @Test
    void takes_the_first_of_all_lists_and_keeps_the_order_of_each() {
        Page<Integer> page = Page.of(Map.of("a", List.of(11, 19, 12), "b", List.of(5, 25)), TENS, 10);

        assertThat(page.items()).extracting(Page.Item::value).containsExactly(5, 11, 19, 12, 25);
        assertThat(page.more()).isFalse();
        assertThat(page.last()).containsEntry("a", 12).containsEntry("b", 25);
    }

    @Test
    void says_whether_there_is_more() {
        assertThat(Page.of(Map.of("a", List.of(1, 2)), TENS, 2).more()).isFalse();
        assertThat(Page.of(Map.of("a", List.of(1, 2, 3)), TENS, 2).more()).isTrue();
        assertThat(Page.of(Map.of("a", List.of(1), "b", List.of(2)), TENS, 1).more())
                .isTrue();
        assertThat(Page.of(Map.<String, List<Integer>>of(), TENS, 1).more()).isFalse();
    }

    @Test
    void pages_of_any_size_tell_everything_once() {
        Map<String, List<Integer>> all = Map.of("a", List.of(1, 30, 31, 90), "b", List.of(), "c", List.of(2, 32, 80));
        for (int limit = 1; limit < 9; limit++) {
            Map<String, Integer> cursor = new HashMap<>();
            List<Integer> told = new ArrayList<>();
            boolean more = true;
            while (more) {
                Map<String, List<Integer>> rest = new HashMap<>();
                int size = limit + 1;
                all.forEach((name, list) -> rest.put(
                        name,
                        list.stream()
                                .filter(i -> i > cursor.getOrDefault(name, 0))
                                .limit(size)
                                .toList()));
                Page<Integer> page = Page.of(rest, Comparator.naturalOrder(), limit);
                page.items().forEach(item -> told.add(item.value()));
                cursor.putAll(page.last());
                more = page.more();
            }
            assertThat(told).as("limit %d", limit).containsExactly(1, 2, 30, 31, 32, 80, 90);
        }
    }
}
