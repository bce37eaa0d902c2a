package dev.backfill.orchestrator.admin;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A page out of lists of several databases, each in an order of its own, that are told as one.
 *
 * @param items in order
 * @param last the last item taken of each database that any was taken of
 * @param more whether anything was left over
 */
record Page<T>(List<Item<T>> items, Map<String, T> last, boolean more) {

    /**
     * An item of a page.
     *
     * @param database where it is from
     * @param value what it is
     */
    record Item<T>(String database, T value) {}

    /**
     * Takes always the first by an order among the next of each list.
     *
     * @param lists by the databases' names, each with one item more than fits on the page, if there are that many
     * @param order between lists; within a list its own order stays
     * @param limit how many fit
     */
    static <T> Page<T> of(Map<String, List<T>> lists, Comparator<T> order, int limit) {
        Map<String, Integer> taken = new LinkedHashMap<>();
        List<Item<T>> items = new ArrayList<>();
        Map<String, T> last = new LinkedHashMap<>();
        while (items.size() < limit) {
            Optional<Item<T>> next = lists.entrySet().stream()
                    .filter(list -> taken.getOrDefault(list.getKey(), 0)
                            < list.getValue().size())
                    .map(list -> new Item<>(list.getKey(), list.getValue().get(taken.getOrDefault(list.getKey(), 0))))
                    .min(Comparator.comparing(Item::value, order));
            if (next.isEmpty()) {
                return new Page<>(items, last, false);
            }
            items.add(next.get());
            taken.merge(next.get().database(), 1, Integer::sum);
            last.put(next.get().database(), next.get().value());
        }
        return new Page<>(
                items, last, lists.values().stream().mapToInt(List::size).sum() > items.size());
    }
}
