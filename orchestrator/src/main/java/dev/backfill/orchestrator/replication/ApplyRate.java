package dev.backfill.orchestrator.replication;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalDouble;

/**
 * How fast a standby can apply, in bytes a second, learned while it has a backlog; without one its speed only shows how
 * fast the primary writes. Not safe for use by several threads.
 */
final class ApplyRate {

    private static final long WINDOW = Duration.ofSeconds(4).toNanos();
    private static final long SATURATED = 256 * 1024;
    private static final double FALL = 0.5;
    private static final double RISE = 0.3;
    private static final double PROBE = 1.1;

    private record Sample(long at, long position, long backlog) {}

    private final Deque<Sample> samples = new ArrayDeque<>();
    private double rate = -1;

    /** Takes in where the standby is, and how much is left to apply. */
    void sampled(long at, long position, long backlog) {
        Sample now = new Sample(at, position, backlog);
        long passed = samples.isEmpty() ? 0 : at - samples.peekLast().at();
        samples.addLast(now);
        while (samples.size() > 2 && at - samples.peekFirst().at() > WINDOW) {
            samples.removeFirst();
        }
        Sample first = samples.peekFirst();
        if (first.at() == at) {
            return;
        }
        if (first.backlog() > SATURATED && backlog > SATURATED) {
            learn((position - first.position()) / ((at - first.at()) / 1e9));
        } else if (rate >= 0) {
            rate *= Math.pow(PROBE, (double) passed / WINDOW);
        }
    }

    /** The rate; empty before the standby was seen with a backlog for a while. */
    OptionalDouble bytesPerSecond() {
        return rate < 0 ? OptionalDouble.empty() : OptionalDouble.of(rate);
    }

    private void learn(double slope) {
        if (rate < 0) {
            rate = slope;
        } else {
            rate += (slope < rate ? FALL : RISE) * (slope - rate);
        }
    }
}
