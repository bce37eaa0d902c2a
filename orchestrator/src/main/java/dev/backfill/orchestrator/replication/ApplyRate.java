package dev.backfill.orchestrator.replication;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * How fast a standby can apply, in bytes a second, learned while it has a backlog; without one its speed only shows how
 * fast the primary writes, which it can apply at least. Not safe for use by several threads.
 */
final class ApplyRate {

    private static final long WINDOW = Duration.ofSeconds(4).toNanos();
    private static final long SHORTEST = Duration.ofSeconds(1).toNanos();
    private static final long SATURATED = 256 * 1024;
    private static final double FALL = 0.5;
    private static final double RISE = 0.3;
    private static final double PROBE = 1.1;

    private record Sample(long at, long position, long backlog) {}

    private final Deque<Sample> samples = new ArrayDeque<>();
    private double rate = -1;

    /** Takes in where the standby said that it is, and how much it had left to apply. Only what it said anew counts. */
    void sampled(long at, long position, long backlog) {
        long passed = samples.isEmpty() ? 0 : at - samples.peekLast().at();
        samples.addLast(new Sample(at, position, backlog));
        while (samples.size() > 2 && at - samples.peekFirst().at() > WINDOW) {
            samples.removeFirst();
        }
        OptionalDouble capacity = backlog > SATURATED
                ? slope(samples.stream().filter(sample -> sample.backlog() > SATURATED))
                : OptionalDouble.empty();
        if (capacity.isPresent()) {
            learn(capacity.getAsDouble());
        } else if (rate >= 0) {
            double probed = rate * Math.pow(PROBE, (double) passed / WINDOW);
            rate = Math.max(probed, slope(samples.stream()).orElse(0));
        }
    }

    /** How fast the standby moved from the first of these samples to the last; empty when that took too short a time. */
    private OptionalDouble slope(Stream<Sample> of) {
        Sample first = of.findFirst().orElseThrow();
        Sample last = samples.getLast();
        long time = last.at() - first.at();
        return time < SHORTEST
                ? OptionalDouble.empty()
                : OptionalDouble.of((last.position() - first.position()) / (time / 1e9));
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
