package dev.backfill.orchestrator.console;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** How fast a count grew of late. One thread. */
final class Speed {

    private static final Duration WINDOW = Duration.ofSeconds(5);

    private final Deque<Sample> samples = new ArrayDeque<>();

    private record Sample(long nanos, long count) {}

    /** Takes the count of a moment; returns how much it grew a second, over the last seconds. */
    double at(long nanos, long count) {
        samples.addLast(new Sample(nanos, count));
        while (samples.size() > 2 && nanos - samples.getFirst().nanos() > WINDOW.toNanos()) {
            samples.removeFirst();
        }
        Sample first = samples.getFirst();
        double seconds = (nanos - first.nanos()) / 1e9;
        return seconds <= 0 ? 0 : Math.max(0, count - first.count()) / seconds;
    }
}
