package dev.backfill.orchestrator.standbys;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which standbys are expected, and which of them are there. Not safe for use by several threads.
 *
 * <p>A standby that was expected and is gone is missing at once; it is there again when it was seen three times in a row.
 */
public final class Attendance {

    private static final long LONG_ENOUGH = Duration.ofSeconds(10).toNanos();
    private static final int SEEN_AGAIN = 3;

    private final Set<String> configured;
    private final Map<StandbyName, Long> since = new HashMap<>();
    private final Map<StandbyName, Integer> seenAgain = new HashMap<>();
    private Set<StandbyName> learned = Set.of();

    /**
     * Expects some standbys.
     *
     * @param configured their names; empty for those that were learned
     */
    public Attendance(Collection<String> configured) {
        this.configured = Set.copyOf(configured);
    }

    /**
     * Some were learned before, by any process.
     *
     * @param names all of them
     */
    public void learned(Collection<StandbyName> names) {
        learned = Set.copyOf(names);
    }

    /**
     * Takes in who is there.
     *
     * @param there the standbys that replay
     * @param passing those that come and go as they like, and are never learned
     * @param at when, by the monotonic clock
     * @return the standbys that have replayed for long enough to be expected from now on
     */
    public List<StandbyName> seen(Collection<StandbyName> there, Collection<StandbyName> passing, long at) {
        since.keySet().retainAll(there);
        there.forEach(name -> since.putIfAbsent(name, at));
        for (StandbyName name : expected()) {
            if (Stream.concat(there.stream(), passing.stream()).noneMatch(t -> matches(name, t))) {
                seenAgain.put(name, 0);
            } else {
                seenAgain.computeIfPresent(name, (n, times) -> times + 1 >= SEEN_AGAIN ? null : times + 1);
            }
        }
        seenAgain.keySet().retainAll(expected());
        return configured.isEmpty()
                ? since.entrySet().stream()
                        .filter(entry -> at - entry.getValue() >= LONG_ENOUGH)
                        .map(Map.Entry::getKey)
                        .filter(name -> !learned.contains(name))
                        .toList()
                : List.of();
    }

    /**
     * Who is not there.
     *
     * @return the expected standbys that are not there, or not long enough again; by name
     */
    public List<StandbyName> missing() {
        return seenAgain.keySet().stream()
                .sorted((a, b) -> a.toString().compareTo(b.toString()))
                .toList();
    }

    private Set<StandbyName> expected() {
        if (configured.isEmpty()) {
            return learned;
        }
        Set<StandbyName> names = new HashSet<>();
        configured.forEach(name -> names.add(new StandbyName(name, "")));
        return names;
    }

    private boolean matches(StandbyName expected, StandbyName there) {
        return configured.isEmpty() ? expected.equals(there) : expected.name().equals(there.name());
    }
}
