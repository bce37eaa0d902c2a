package dev.backfill.orchestrator.pacing;

import java.time.Duration;
import java.util.Optional;

/**
 * How many of the workers that a run may have are worth having, in this process. It begins with one, and adds one after the
 * other while the database is healthy. From then on it tries now and then, and as soon as a row takes much longer, whether
 * one fewer does as much: where workers only wait for each other, in the database or on its disk, the one too many rests.
 * Fed with batches and a clock. Safe for use by several threads.
 */
public final class Ramp {

    private static final long STEP = Duration.ofMillis(250).toNanos();
    private static final long SILENCE = Duration.ofSeconds(1).toNanos();
    private static final long SETTLE = Duration.ofMillis(500).toNanos();
    private static final long WINDOW = Duration.ofSeconds(2).toNanos();
    private static final long LONG_TRIAL = Duration.ofSeconds(15).toNanos();
    private static final long SOON = Duration.ofSeconds(5).toNanos();
    private static final long LATER = Duration.ofSeconds(30).toNanos();
    private static final long MUCH_LATER = Duration.ofMinutes(5).toNanos();
    private static final int BATCHES_OF_EACH = 3;
    private static final double MUCH_SLOWER = 1.5;
    private static final double WORTH = 0.25; // of what a worker does that has all for itself

    private enum Phase {
        RISING,
        STEADY,
        TRYING,
        BACK
    }

    /** What workers did in a while. */
    private static final class Window {

        private final long since;
        private double rows;
        private double busy;
        private int batches;

        Window(long since) {
            this.since = since;
        }

        /** Whether it says how fast so many workers are. */
        boolean isFull(int workers, long now) {
            return now - since >= WINDOW && batches >= BATCHES_OF_EACH * workers && rows > 0;
        }

        double latency() {
            return busy / rows;
        }
    }

    private int most;
    private int level = 1;
    private int tried = 1;
    private Phase phase = Phase.RISING;
    private boolean isEnough;
    private boolean isBrief;
    private boolean wantsMore;
    private double before;
    private double during;
    private Optional<Double> usual = Optional.empty();
    private long interval = LATER;
    private long nextTrial;
    private Window window;

    /**
     * Begins with one worker.
     *
     * @param now in nanoseconds, of any clock that only goes forward
     */
    public Ramp(long now) {
        window = new Window(now);
    }

    /**
     * How many workers should be at work now. Nobody waits for long for workers that commit nothing: one more begins then.
     *
     * @param allowed so many are allowed, at least 1
     * @param now in nanoseconds, of the same clock
     * @return from 1 to that
     */
    public synchronized int workers(int allowed, long now) {
        long silent = now - window.since;
        if (phase == Phase.RISING && silent >= SILENCE && level < allowed) {
            level++;
            enter(Phase.RISING, now);
        } else if ((phase == Phase.TRYING || phase == Phase.BACK) && silent >= LONG_TRIAL) {
            settle(now);
        }
        return wanted(allowed);
    }

    /**
     * Something slows the run down, or holds it: what is committed now says nothing about workers, and none is added.
     *
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void slowed(long now) {
        if (phase == Phase.TRYING || phase == Phase.BACK) {
            settle(now);
        }
        window = new Window(now);
    }

    /**
     * How large batches are: rows of brief ones take longer, and are compared with each other only.
     *
     * @param brief whether they are
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void brief(boolean brief, long now) {
        if (brief != isBrief) {
            isBrief = brief;
            usual = Optional.empty();
            slowed(now);
        }
    }

    /**
     * A batch was committed.
     *
     * @param rows that it looked at
     * @param took how long it took
     * @param allowed so many workers are allowed, at least 1
     * @param now in nanoseconds, of the same clock
     */
    public synchronized void committed(long rows, Duration took, int allowed, long now) {
        if (allowed != most) {
            most = allowed;
            level = Math.min(level, allowed);
            isEnough = false;
            usual = Optional.empty();
            enter(Phase.RISING, now);
        }
        if (now - window.since < 0) {
            return; // workers that were told to rest, or to begin, have not yet
        }
        window.rows += rows;
        window.busy += took.toNanos();
        window.batches++;
        if (phase == Phase.RISING) {
            rise(now);
        } else if (window.isFull(wanted(most), now)) {
            judge(now);
        }
    }

    private int wanted(int allowed) {
        return Math.min(phase == Phase.TRYING ? tried : level, allowed);
    }

    private void rise(long now) {
        if (level >= most || isEnough) {
            nextTrial = now + interval;
            enter(Phase.STEADY, now);
        } else if (now - window.since >= STEP) {
            level++;
            enter(Phase.RISING, now);
        }
    }

    private void judge(long now) {
        double latency = window.latency();
        switch (phase) {
            case TRYING -> {
                during = latency;
                enter(Phase.BACK, now + SETTLE);
            }
            case BACK -> decide((before + latency) / 2, now);
            case RISING, STEADY -> {
                boolean isMuchSlower =
                        usual.filter(then -> latency > MUCH_SLOWER * then).isPresent();
                usual = usual.or(() -> Optional.of(latency));
                if (most > 1 && (now >= nextTrial || (isMuchSlower && level > 1))) {
                    begin(latency, isMuchSlower, now);
                } else {
                    enter(Phase.STEADY, now);
                }
            }
        }
    }

    /** One fewer or one more, the same way as long as that helps. */
    private void begin(double latency, boolean isMuchSlower, long now) {
        boolean isMore = level == 1 || (level < most && wantsMore && !isMuchSlower);
        wantsMore = isMore;
        tried = isMore ? level + 1 : level - 1;
        before = latency;
        enter(Phase.TRYING, now + SETTLE);
    }

    private void decide(double latency, long now) {
        double gain = (tried / during) / (level / latency);
        boolean isBetter = gain >= 1 + (tried - level) * WORTH / level;
        if (isBetter) {
            level = tried;
            isEnough = level < most;
            interval = LATER;
            usual = Optional.of(during);
            settle(now);
            nextTrial = now + SOON;
        } else {
            wantsMore = !wantsMore;
            usual = Optional.of(latency);
            settle(now);
            interval = Math.min(2 * interval, MUCH_LATER);
        }
    }

    private void settle(long now) {
        nextTrial = now + interval;
        enter(Phase.STEADY, now);
    }

    private void enter(Phase next, long from) {
        phase = next;
        window = new Window(from);
    }
}
