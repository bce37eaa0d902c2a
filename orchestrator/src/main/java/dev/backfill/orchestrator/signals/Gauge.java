package dev.backfill.orchestrator.signals;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What was read of a signal last. Safe for use by several threads. */
final class Gauge {

    private record Seen(List<Sample> samples, long at) {}

    private final HealthSignal signal;
    private final Timing timing;
    private volatile Optional<Seen> seen = Optional.empty();
    private volatile Optional<String> trouble = Optional.empty();

    Gauge(HealthSignal signal, Timing timing) {
        this.signal = signal;
        this.timing = timing;
    }

    /** Which signal it is of. */
    HealthSignal signal() {
        return signal;
    }

    /** How time passes. */
    Timing timing() {
        return timing;
    }

    /** Takes what was read, by a question that was asked then. */
    void read(List<Sample> samples, long at) {
        seen = Optional.of(new Seen(List.copyOf(samples), at));
        trouble = Optional.empty();
    }

    /** It could not be read. */
    void failed(String why) {
        trouble = Optional.of(why);
    }

    /** Why it could not be read the last time; empty when it could, and before the first time. */
    Optional<String> trouble() {
        return trouble;
    }

    /** What was read last, unless that is too long ago to count. */
    Optional<List<Sample>> current() {
        return seen.filter(s -> counts(timing.since(s.at()))).map(Seen::samples);
    }

    /** What was read last, however long ago; none before the first time. */
    List<Sample> last() {
        return seen.map(Seen::samples).orElse(List.of());
    }

    /** How long ago that was. */
    Optional<Duration> age() {
        return seen.map(s -> timing.since(s.at()));
    }

    private boolean counts(Duration age) {
        return age.compareTo(signal.staleAfter()) < 0;
    }
}
