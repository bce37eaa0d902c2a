package dev.backfill.orchestrator.throttle;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The governors of one run; the strictest sets its pace. Safe for use by several threads.
 *
 * @param governors the first of two that are equally strict gives the reason
 */
public record Throttle(List<Governor> governors) {

    /** Copies the list. */
    public Throttle {
        governors = List.copyOf(governors);
    }

    /**
     * The pace of the run now.
     *
     * @return the strictest of the governors' paces; full when there is none
     */
    public Pace pace() {
        return governors.stream()
                .map(Governor::pace)
                .min(Comparator.comparingDouble(Pace::ratio))
                .orElse(Pace.FULL);
    }

    /**
     * How many workers of the run may be at work now.
     *
     * @return the fewest that a governor allows
     */
    public int workers() {
        return governors.stream().mapToInt(Governor::workers).min().orElse(Integer.MAX_VALUE);
    }

    /**
     * Whether batches should be brief.
     *
     * @return true when a governor wants that
     */
    public boolean wantsBrief() {
        return governors.stream().anyMatch(Governor::wantsBrief);
    }

    /**
     * The pace of each governor now.
     *
     * @return by the governors' names, in their order
     */
    public Map<String, Pace> paces() {
        Map<String, Pace> paces = new LinkedHashMap<>();
        governors.forEach(governor -> paces.put(governor.name(), governor.pace()));
        return paces;
    }

    /**
     * The same with one more governor.
     *
     * @param governor comes last
     * @return a new throttle
     */
    public Throttle and(Governor governor) {
        List<Governor> more = new ArrayList<>(governors);
        more.add(governor);
        return new Throttle(more);
    }
}
