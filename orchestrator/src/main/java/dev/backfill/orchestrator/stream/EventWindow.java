package dev.backfill.orchestrator.stream;

import java.util.NavigableMap;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The latest events of one database, in the order of their ids. Pure.
 *
 * <p>An id is taken from a sequence before its transaction commits, so an event may come to be seen after others with larger
 * ids. Each is told as soon as it is seen, and everything behind the <em>floor</em> is read again with every look: the floor
 * is the id up to which nothing can come any more, and it is what clients are given to go on from. Without a gap between the
 * ids it is the latest of them. It passes a gap once every transaction that was open after the gap was seen has ended, since
 * one of these may have taken the missing id; nothing else tells a transaction that goes on from one that was rolled back,
 * and a time limit would lose the event of a commit that waits for a standby. A transaction that never ends does not hold it
 * for ever: a thousand later events pass it.
 *
 * @param <E> an event
 */
final class EventWindow<E> {

    /** How many events are known at most. */
    static final int KEPT = 1_000;

    private final NavigableMap<Long, E> known = new TreeMap<>();
    private Optional<String> horizon = Optional.empty();
    private long low;
    private long floor;
    private long marked;
    private long settled;

    /** Begins behind an id. */
    EventWindow(long after) {
        this.low = after;
        this.floor = after;
        this.settled = after;
    }

    /** The id behind which every event is known. */
    long low() {
        return low;
    }

    /** The id up to which no event can come any more; at least the lowest. */
    long floor() {
        return floor;
    }

    /** Whether an id is missing between those that are known. */
    boolean hasGaps() {
        return !known.isEmpty() && floor < known.lastKey();
    }

    /** The transaction before which those began that may have taken a missing id; empty while nobody asked which. */
    Optional<String> horizon() {
        return horizon;
    }

    /**
     * Asks whether the ids that are missing now will come.
     *
     * @param open the transaction below which nothing can be open that had taken one of them
     */
    void ask(String open) {
        horizon = Optional.of(open);
        marked = known.isEmpty() ? floor : known.lastKey();
    }

    /**
     * Whether the database still goes on from what is known. One that was restored, or taken over by a standby that lacked the
     * latest events, gives their ids out again.
     *
     * @param read every event from the floor on
     */
    boolean goesOnWith(SortedMap<Long, E> read) {
        return !known.containsKey(floor) || read.containsKey(floor);
    }

    /**
     * Takes in what was read.
     *
     * @param read every event behind the floor; others are known
     * @param reached whether the horizon was reached before that was read
     * @return what was not known, by its ids
     */
    SortedMap<Long, E> take(SortedMap<Long, E> read, boolean reached) {
        SortedMap<Long, E> fresh = new TreeMap<>(read.tailMap(floor + 1));
        fresh.keySet().removeAll(known.keySet());
        known.putAll(fresh);
        if (reached) {
            settled = marked;
            horizon = Optional.empty();
        }
        rise();
        while (known.size() > KEPT) {
            low = known.pollFirstEntry().getKey();
            floor = Math.max(floor, low);
            rise();
        }
        return fresh;
    }

    private void rise() {
        for (long id : known.tailMap(floor, false).keySet()) {
            if (id != floor + 1 && id > settled) {
                return;
            }
            floor = id;
        }
    }

    /** The known events behind an id. */
    SortedMap<Long, E> after(long id) {
        return known.tailMap(id, false);
    }
}
