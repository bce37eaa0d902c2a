package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.control.RunView.Eta;
import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** How fast runs get on, over all processes, from what was seen of them in the last minutes. Safe for use by several threads. */
final class Rates {

    private static final Set<String> ENDLESS_HOLDS = Set.of("window", "stopped");
    private static final Duration MEMORY = Duration.ofMinutes(2);
    private static final Duration LEAST = Duration.ofSeconds(1);
    private static final int MOST_RUNS = 1_000;
    private static final double LEAST_ERROR = 0.05;
    private static final double MOST_ERROR = 0.9;
    private static final double ERROR_OF_ONE = 0.5;

    /** How far a run is, and whether it is held. */
    record Seen(long scanned, long remaining, boolean held) {}

    private record Sample(long at, long scanned, boolean held) {}

    private final Timing timing;
    private final Map<String, Deque<Sample>> samples = new ConcurrentHashMap<>();

    Rates(Timing timing) {
        this.timing = timing;
    }

    /**
     * How long the rest of a run will take; empty while that is not known. A hold that ends by a clock or by a person
     * says nothing of how long it lasts.
     */
    Optional<Eta> eta(String run, RunView.Rows rows, Optional<Held> hold, double lived) {
        long all = Math.max(rows.all().estimated().orElse(0L), rows.scannedInPass());
        long left = all - rows.scannedInPass();
        Optional<Eta> eta = eta(run, new Seen(rows.scannedInPass(), left, hold.isPresent()));
        if (hold.isPresent()) {
            return eta.filter(e -> !ENDLESS_HOLDS.contains(hold.get().reason()));
        }
        return eta.or(() -> sinceTheStart(rows.scanned(), lived, left));
    }

    /** Takes in how far a run is, and says how long the rest will take; empty while that is not known. */
    Optional<Eta> eta(String run, Seen now) {
        if (samples.size() > MOST_RUNS) {
            samples.clear();
        }
        Deque<Sample> seen = samples.computeIfAbsent(run, id -> new ArrayDeque<>());
        synchronized (seen) {
            while (!seen.isEmpty() && timing.since(seen.peekFirst().at()).compareTo(MEMORY) > 0) {
                seen.removeFirst();
            }
            if (!seen.isEmpty() && seen.peekLast().scanned() > now.scanned()) {
                seen.clear(); // a further pass began
            }
            Sample sample = new Sample(timing.nanos(), now.scanned(), now.held());
            List<Sample> all = new ArrayList<>(seen);
            all.add(sample);
            if (seen.isEmpty()
                    || seen.peekLast().held() != now.held()
                    || timing.since(seen.peekLast().at()).compareTo(LEAST) >= 0) {
                seen.addLast(sample);
            }
            return Pace.of(all).map(pace -> pace.eta(now.remaining()));
        }
    }

    /** How long the rest will take if it goes on as it did since its start; empty while that is not known. */
    static Optional<Eta> sinceTheStart(long scanned, double seconds, long remaining) {
        return scanned <= 0 || seconds < 1
                ? Optional.empty()
                : Optional.of(new Pace(scanned / seconds, 0, ERROR_OF_ONE).eta(remaining));
    }

    /** Forgets a run that does not move any more. */
    void forget(String run) {
        samples.remove(run);
    }

    /**
     * How a run gets on.
     *
     * @param rate keys per second while it is not held
     * @param held the part of the time in which it is
     * @param error how far the mean of the rate may be off, as a part of it
     */
    private record Pace(double rate, double held, double error) {

        static Optional<Pace> of(List<Sample> samples) {
            double working = 0;
            double held = 0;
            double rows = 0;
            List<Double> rates = new ArrayList<>();
            for (int i = 1; i < samples.size(); i++) {
                Sample before = samples.get(i - 1);
                Sample after = samples.get(i);
                double seconds = (after.at() - before.at()) / 1e9;
                if (before.held() && after.held()) {
                    held += seconds;
                } else if (seconds > 0) {
                    working += seconds;
                    rows += after.scanned() - before.scanned();
                    rates.add((after.scanned() - before.scanned()) / seconds);
                }
            }
            return working < LEAST.toSeconds() || rows <= 0
                    ? Optional.empty()
                    : Optional.of(new Pace(rows / working, held / (held + working), error(rates, rows / working)));
        }

        /** Two standard errors of the mean. */
        private static double error(List<Double> rates, double mean) {
            if (rates.size() < 2) {
                return ERROR_OF_ONE;
            }
            double squares =
                    rates.stream().mapToDouble(rate -> Math.pow(rate - mean, 2)).sum();
            double deviation = Math.sqrt(squares / (rates.size() - 1));
            return Math.max(LEAST_ERROR, Math.min(MOST_ERROR, 2 * deviation / Math.sqrt(rates.size()) / mean));
        }

        /** At least as long as without any hold, at most as long as with holds that last half as long again. */
        Eta eta(long remaining) {
            double work = remaining / rate;
            return new Eta(
                    seconds(work / (1 - held)),
                    seconds(work / (1 + error)),
                    seconds(work / (1 - error) / (1 - Math.min((1 + held) / 2, held * 3 / 2))));
        }

        private static Duration seconds(double seconds) {
            return Duration.ofSeconds(Math.round(Math.min(seconds, Integer.MAX_VALUE)));
        }
    }
}
