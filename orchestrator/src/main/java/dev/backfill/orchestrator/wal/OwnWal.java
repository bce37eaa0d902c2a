package dev.backfill.orchestrator.wal;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;

/**
 * How much the batches of this process have written to a server's log, counted while somebody wants to know. Safe for use by
 * several threads.
 */
public final class OwnWal {

    private static final Duration WANTED = Duration.ofSeconds(10);
    private static final Duration MEMORY = Duration.ofSeconds(30);

    private record Moment(long at, double total) {}

    private final Timing timing;
    private final Written.Sum sum = new Written.Sum();
    private final Deque<Moment> moments = new ArrayDeque<>();
    private double total;
    private double forgotten;
    private volatile Optional<Long> wanted = Optional.empty();

    /**
     * Nothing was written yet.
     *
     * @param timing how time passes
     */
    public OwnWal(Timing timing) {
        this.timing = timing;
    }

    /** Somebody wants to know: it is counted from now on, for some seconds. */
    public void want() {
        wanted = Optional.of(timing.nanos());
    }

    /**
     * Whether batches should be measured.
     *
     * @return true for some seconds after somebody wanted to know
     */
    public boolean isWanted() {
        return wanted.filter(at -> timing.since(at).compareTo(WANTED) < 0).isPresent();
    }

    /**
     * A batch has ended.
     *
     * @param written what it wrote
     */
    public synchronized void wrote(Written written) {
        total += sum.add(written);
        long now = timing.nanos();
        moments.addLast(new Moment(now, total));
        while (moments.size() > 1 && now - moments.peekFirst().at() > MEMORY.toNanos()) {
            forgotten = moments.removeFirst().total();
        }
    }

    /**
     * All that was counted.
     *
     * @return in bytes
     */
    public synchronized double total() {
        return total;
    }

    /**
     * All that had been counted at a moment.
     *
     * @param at by the monotonic clock; not longer ago than half a minute
     * @return in bytes
     */
    public synchronized double total(long at) {
        Iterator<Moment> newest = moments.descendingIterator();
        while (newest.hasNext()) {
            Moment moment = newest.next();
            if (moment.at() - at <= 0) {
                return moment.total();
            }
        }
        return forgotten;
    }
}
