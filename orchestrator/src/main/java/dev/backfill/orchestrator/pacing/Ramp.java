package dev.backfill.orchestrator.pacing;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How many of the workers that a run may have are worth having, in this process. It begins with one, and adds one after the
 * other while nothing slows the run down. From then on it tries now and then, and when the workers have become much slower,
 * whether the others speed up when some rest: where workers only wait for each other, those too many rest. What a worker does is
 * compared with what the same worker does a moment later, for others may have denser rows. Fed with batches and a clock. Safe for
 * use by several threads.
 */
public final class Ramp {

    private static final long STEP = Duration.ofMillis(250).toNanos();
    private static final long SILENCE = Duration.ofSeconds(5).toNanos();
    private static final long SETTLE = Duration.ofMillis(500).toNanos();
    private static final long WINDOW = Duration.ofSeconds(3).toNanos();
    private static final long LONGEST_WINDOW = Duration.ofSeconds(15).toNanos();
    private static final long SOON = Duration.ofSeconds(5).toNanos();
    private static final long LATER = Duration.ofSeconds(30).toNanos();
    private static final long MUCH_LATER = Duration.ofMinutes(5).toNanos();
    private static final int BATCHES_OF_EACH = 3;
    private static final double MUCH_SLOWER = 1.5;
    private static final double USELESS = 0.75; // of its work, when the others do so much more without it

    private enum Phase {
        RISING,
        STEADY,
        TRYING,
        BACK
    }

    /** What workers did in a while. */
    private static final class Window {

        private final long since;
        private final Map<Integer, Long> rows = new HashMap<>();
        private final Map<Integer, Integer> batches = new HashMap<>();

        Window(long since) {
            this.since = since;
        }

        void add(int worker, long more) {
            rows.merge(worker, more, Long::sum);
            batches.merge(worker, 1, Integer::sum);
        }

        /** Whether so many workers were at work for long enough to say how fast they are. */
        boolean isFull(int workers, long now) {
            for (int worker = 1; worker <= workers; worker++) {
                if (batches.getOrDefault(worker, 0) < BATCHES_OF_EACH) {
                    return false;
                }
            }
            return now - since >= WINDOW;
        }

        /** How many rows a nanosecond the first workers did together. */
        double rate(int workers, long now) {
            double all = rows.entrySet().stream()
                    .filter(entry -> entry.getKey() <= workers)
                    .mapToLong(Map.Entry::getValue)
                    .sum();
            return all / (now - since);
        }
    }

    private int most;
    private int level = 1;
    private int tried = 1;
    private Phase phase = Phase.RISING;
    private boolean isBrief;
    private boolean wantsMore;
    private double before;
    private double during;
    private Optional<Double> usual = Optional.empty();
    private long interval = LATER;
    private long lastTrial;
    private long nextTrial;
    private long lastCommit;
    private Window window;

    /**
     * Begins with one worker.
     *
     * @param now in nanoseconds, of any clock that only goes forward
     */
    public Ramp(long now) {
        window = new Window(now);
        lastCommit = now;
        lastTrial = now;
    }

    /**
     * How many workers should be at work now: all, when nothing has been committed for five seconds, so that nobody waits for
     * one that stands still.
     *
     * @param allowed so many are allowed, at least 1
     * @param now in nanoseconds, of the same clock
     * @return from 1 to that
     */
    public synchronized int workers(int allowed, long now) {
        boolean isSilent = now - lastCommit >= SILENCE;
        return isSilent ? allowed : Math.min(phase == Phase.TRYING ? tried : level, allowed);
    }

    /**
     * Whether more workers may soon be wanted.
     *
     * @return false once as many are at work as seem worth having
     */
    public synchronized boolean isRising() {
        return phase == Phase.RISING;
    }

    /**
     * Something slows the run down, or holds it: what is committed now says nothing about workers, and none is added.
     *
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void slowed(long now) {
        lastCommit = now;
        if (phase == Phase.TRYING || phase == Phase.BACK) {
            abandon(now);
        }
        window = new Window(now);
    }

    /**
     * How large batches are: brief ones do less in the same time, and are compared with each other only.
     *
     * @param brief whether they are
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void brief(boolean brief, long now) {
        if (brief != isBrief) {
            isBrief = brief;
            usual = Optional.empty();
            if (phase == Phase.TRYING || phase == Phase.BACK) {
                abandon(now);
            }
            window = new Window(now);
        }
    }

    /**
     * A batch was committed.
     *
     * @param worker by which worker, from 1
     * @param rows that it looked at
     * @param allowed so many workers are allowed, at least 1
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void committed(int worker, long rows, int allowed, long now) {
        lastCommit = now;
        if (allowed != most) {
            most = allowed;
            level = Math.min(level, allowed);
            usual = Optional.empty();
            enter(Phase.RISING, now);
        }
        if (now - window.since < 0) {
            return; // workers that were told to rest, or to begin, have not yet
        }
        window.add(worker, rows);
        if (phase == Phase.RISING) {
            rise(now);
        } else if (window.isFull(phase == Phase.TRYING ? tried : level, now)) {
            judge(now);
        } else if (now - window.since >= LONGEST_WINDOW) {
            abandon(now);
        }
    }

    private void rise(long now) {
        if (level >= most) {
            nextTrial = now + interval;
            enter(Phase.STEADY, now);
        } else if (now - window.since >= STEP) {
            level++;
            enter(Phase.RISING, now);
        }
    }

    private void judge(long now) {
        if (phase == Phase.TRYING) {
            during = window.rate(Math.min(tried, level), now);
            enter(Phase.BACK, now + SETTLE);
        } else if (phase == Phase.BACK) {
            decide(window.rate(Math.min(tried, level), now), now);
        } else {
            double rate = window.rate(level, now) / level;
            boolean isMuchSlower = level > 1
                    && now - lastTrial >= SOON
                    && usual.filter(then -> MUCH_SLOWER * rate < then).isPresent();
            usual = usual.or(() -> Optional.of(rate));
            if (most > 1 && (now - nextTrial >= 0 || isMuchSlower)) {
                begin(isMuchSlower, now);
            } else {
                enter(Phase.STEADY, now);
            }
        }
    }

    /** A quarter fewer or more, the same way as long as that helps. */
    private void begin(boolean isMuchSlower, long now) {
        boolean isMore = level == 1 || (level < most && wantsMore && !isMuchSlower);
        int change = Math.max(1, level / 4);
        wantsMore = isMore;
        tried = isMore ? Math.min(most, level + change) : level - change;
        before = window.rate(Math.min(tried, level), now);
        usual = Optional.of(window.rate(level, now) / level);
        lastTrial = now;
        enter(Phase.TRYING, now + SETTLE);
    }

    /** Workers that are of no use take from the others what they do themselves. */
    private void decide(double after, long now) {
        double others = 2 * during / (before + after);
        double all = USELESS * Math.abs(tried - level);
        boolean isBetter = tried < level ? others >= 1 + all / tried : others >= 1 - all / tried;
        if (isBetter) {
            level = tried;
            interval = LATER;
            usual = Optional.empty();
            nextTrial = now + SOON;
            enter(Phase.STEADY, now);
        } else {
            wantsMore = !wantsMore;
            abandon(now);
        }
    }

    /** As before, and for longer. */
    private void abandon(long now) {
        if (phase != Phase.STEADY) {
            lastTrial = now;
            nextTrial = now + interval;
            interval = Math.min(2 * interval, MUCH_LATER);
        }
        enter(Phase.STEADY, now);
    }

    private void enter(Phase next, long from) {
        phase = next;
        window = new Window(from);
    }
}
