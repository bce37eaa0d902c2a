package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.gauges.Sample;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes of what the server counts what a signal means, from one look to the next. Not safe for use by several threads. */
final class Trend {

    private static final long SPIKE = Duration.ofSeconds(10).toNanos();

    private record Point(double value, long at) {}

    private record Checkpoints(double requested, double all) {}

    private final int cores;
    private final Map<String, Deque<Point>> slots = new HashMap<>();
    private Checkpoints checkpoints = new Checkpoints(0, 0);
    private double pressure;

    /** On a server of so many cores; 0 when nobody knows. */
    Trend(int cores) {
        this.cores = cores;
    }

    /** What samples mean that were taken now. */
    List<Sample> of(HealthSignal signal, List<Sample> samples, long now) {
        return switch (signal) {
            case ACTIVE_SESSIONS ->
                samples.stream()
                        .map(s -> s.with(s.value() / Math.max(1, cores)))
                        .toList();
            case SLOT_RETENTION -> least(samples, now);
            case CHECKPOINT_PRESSURE -> samples.stream().map(this::requested).toList();
            case LOCK_WAITS,
                    LOCK_STORM,
                    FOREGROUND,
                    LONG_TRANSACTION,
                    XMIN_AGE,
                    ARCHIVE_BACKLOG,
                    AUTOVACUUM,
                    DEAD_TUPLES -> samples;
        };
    }

    /** A consumer that confirms now and then is not behind: the least of the last seconds counts. */
    private List<Sample> least(List<Sample> samples, long now) {
        slots.keySet().retainAll(samples.stream().map(Sample::source).toList());
        return samples.stream()
                .map(sample -> {
                    Deque<Point> points = slots.computeIfAbsent(sample.source(), name -> new ArrayDeque<>());
                    points.addLast(new Point(sample.value(), now));
                    while (now - points.getFirst().at() > SPIKE) {
                        points.removeFirst();
                    }
                    return sample.with(
                            points.stream().mapToDouble(Point::value).min().orElseThrow());
                })
                .toList();
    }

    /** The part of those since the last look at which there was one; counters that fell were reset. */
    private Sample requested(Sample sample) {
        Checkpoints now = new Checkpoints(sample.value(), Double.parseDouble(sample.detail()));
        double more = now.all() - checkpoints.all();
        boolean first = checkpoints.all() == 0;
        if (more != 0) {
            pressure = first || more < 0 ? 0 : (now.requested() - checkpoints.requested()) / more;
            checkpoints = now;
        }
        return new Sample(sample.source(), pressure, "", sample.alarm());
    }
}
