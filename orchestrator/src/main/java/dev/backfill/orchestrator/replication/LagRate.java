package dev.backfill.orchestrator.replication;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * At which pace runs may move, so that the slowest standby stays where it may be, when nothing is known of it but how far it
 * is behind. Not safe for use by several threads.
 *
 * <p>The log is thought of as so long as the runs have moved: a standby that is three seconds behind has before it what was
 * written in the last three seconds, at the pace of then. By that it is known how fast it applies, as a pace, and how long
 * its backlog takes it. What others write makes it look slower than it is, which is what it is for the runs.
 */
final class LagRate {

    private static final double SETTLING = 4;
    private static final double MEMORY = 90;
    private static final int WINDOW = 4;
    private static final double FALL = 0.5;
    private static final double RISE = 0.3;
    /** While there is room, more is tried with every look. */
    private static final double MORE = 1.1;

    private static final double SLOWEST = 0.05;
    /** A lag below this is none: it says nothing of how much the standby can take. */
    private static final double NONE = 0.02;
    /** Below this part of the target the standby has room. */
    private static final double ROOM = 0.3;

    private record Seen(double at, double lag) {}

    private record Since(double at, double pace) {}

    private final double target;
    private final double budget;
    private final Deque<Seen> seen = new ArrayDeque<>();
    private final Deque<Since> paces = new ArrayDeque<>();
    private double pace = 0.1;
    private double speed = -1;

    /**
     * For some standbys.
     *
     * @param target how far the slowest may be behind for good, in seconds
     * @param budget how far at most: above it nothing moves
     */
    LagRate(double target, double budget) {
        this.target = target;
        this.budget = budget;
    }

    /**
     * The standbys were seen.
     *
     * @param at when, in seconds
     * @param lag how far the slowest was behind, in seconds
     * @param now in seconds
     * @return the pace from now on
     */
    double seen(double at, double lag, double now) {
        seen.addLast(new Seen(at, lag));
        if (seen.size() > WINDOW + 1) {
            seen.removeFirst();
        }
        if (lag < ROOM * target || seen.size() < 2) {
            speed = speed < 0 ? speed : Math.min(1, speed * MORE);
            double most = speed < 0 ? 1 : Math.max(SLOWEST, speed * (1 + target / SETTLING));
            pace = Math.min(most, lag < ROOM * target ? pace * MORE : pace);
        } else if (seen.getFirst().lag() >= NONE) {
            double written = at - lag;
            learn(written);
            double backlog = Math.max(0, moved(written, now) - speed * (now - at));
            pace = Math.max(SLOWEST, Math.min(1, speed + (target * speed - backlog) / SETTLING));
        }
        paces.addLast(new Since(now, lag > budget ? 0 : pace));
        while (paces.size() > 2 && now - paces.getFirst().at() > MEMORY) {
            paces.removeFirst();
        }
        return pace;
    }

    /** From the first of the last looks to this one the standby went over what was written from then to this moment. */
    private void learn(double written) {
        Seen first = seen.getFirst();
        double passed = seen.getLast().at() - first.at();
        double applied = moved(first.at() - first.lag(), written) / passed;
        speed = speed < 0 ? applied : speed + (applied < speed ? FALL : RISE) * (applied - speed);
    }

    /** How far the runs have moved from one moment to another, in seconds at full pace. */
    private double moved(double from, double to) {
        double sum = 0;
        double until = to;
        Iterator<Since> newest = paces.descendingIterator();
        while (newest.hasNext() && until > from) {
            Since since = newest.next();
            double begin = Math.max(since.at(), from);
            sum += since.pace() * Math.max(0, until - begin);
            until = Math.min(until, begin);
        }
        return sum;
    }
}
