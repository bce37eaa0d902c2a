package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** How fast runs get on, over all processes, from what was seen of them in the last minutes. Safe for use by several threads. */
final class Rates {

    private static final Duration MEMORY = Duration.ofMinutes(2);
    private static final Duration LEAST = Duration.ofSeconds(1);
    private static final int MOST_RUNS = 1_000;

    private record Sample(long at, long scanned) {}

    private final Timing timing;
    private final Map<String, Deque<Sample>> samples = new ConcurrentHashMap<>();

    Rates(Timing timing) {
        this.timing = timing;
    }

    /** Takes in how far a run is, and says how long the rest will take; empty while that is not known. */
    Optional<Duration> eta(String run, long scanned, long remaining) {
        if (samples.size() > MOST_RUNS) {
            samples.clear();
        }
        Deque<Sample> seen = samples.computeIfAbsent(run, id -> new ArrayDeque<>());
        synchronized (seen) {
            long now = timing.nanos();
            while (!seen.isEmpty() && timing.since(seen.peekFirst().at()).compareTo(MEMORY) > 0) {
                seen.removeFirst();
            }
            if (!seen.isEmpty() && seen.peekLast().scanned() > scanned) {
                seen.clear(); // a further pass began
            }
            Sample first = seen.isEmpty() ? new Sample(now, scanned) : seen.peekFirst();
            if (seen.isEmpty() || timing.since(seen.peekLast().at()).compareTo(LEAST) >= 0) {
                seen.addLast(new Sample(now, scanned));
            }
            double seconds = timing.since(first.at()).toMillis() / 1000.0;
            double rate = (scanned - first.scanned()) / Math.max(seconds, 0.001);
            return seconds < 1 || rate <= 0
                    ? Optional.empty()
                    : Optional.of(Duration.ofSeconds(Math.round(remaining / rate)));
        }
    }

    /** How long the rest will take if it goes on as it did since its start; empty while that is not known. */
    static Optional<Duration> sinceTheStart(long scanned, double seconds, long remaining) {
        return scanned <= 0 || seconds < 1
                ? Optional.empty()
                : Optional.of(Duration.ofSeconds(Math.round(remaining * seconds / scanned)));
    }

    /** Forgets a run that does not move any more. */
    void forget(String run) {
        samples.remove(run);
    }
}
