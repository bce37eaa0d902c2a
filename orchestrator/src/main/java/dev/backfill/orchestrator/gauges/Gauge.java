package dev.backfill.orchestrator.gauges;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What was read of a signal last. Safe for use by several threads. */
public final class Gauge {

    private static final Duration URGENT = Duration.ofSeconds(2);

    private record Seen(List<Sample> samples, long at) {}

    private final Vital signal;
    private final Timing timing;
    private volatile Optional<Seen> seen = Optional.empty();
    private volatile Optional<String> trouble = Optional.empty();
    private volatile Optional<Long> urged = Optional.empty();

    /**
     * Not read yet.
     *
     * @param signal which signal it is of
     * @param timing how time passes
     */
    public Gauge(Vital signal, Timing timing) {
        this.signal = signal;
        this.timing = timing;
    }

    /** Which signal it is of. */
    public Vital signal() {
        return signal;
    }

    /** How time passes. */
    public Timing timing() {
        return timing;
    }

    /**
     * Takes what was read.
     *
     * @param samples by source
     * @param at when it was asked, by the monotonic clock
     */
    public void read(List<Sample> samples, long at) {
        seen = Optional.of(new Seen(List.copyOf(samples), at));
        trouble = Optional.empty();
    }

    /**
     * It could not be read.
     *
     * @param why in a line
     */
    public void failed(String why) {
        trouble = Optional.of(why);
    }

    /** Something holds by it: whoever reads it should do so often. */
    void urge() {
        urged = Optional.of(timing.nanos());
    }

    /**
     * Whether something holds by it, or it could not be read.
     *
     * @return true when it should be read more often than usual
     */
    public boolean isUrgent() {
        return trouble.isPresent()
                || urged.filter(at -> timing.since(at).compareTo(URGENT) < 0).isPresent();
    }

    /** Why it could not be read the last time; empty when it could, and before the first time. */
    public Optional<String> trouble() {
        return trouble;
    }

    /** What was read last, unless that is too long ago to count. */
    public Optional<List<Sample>> current() {
        return seen.filter(s -> counts(timing.since(s.at()))).map(Seen::samples);
    }

    /** What was read last, however long ago; none before the first time. */
    public List<Sample> last() {
        return seen.map(Seen::samples).orElse(List.of());
    }

    /** How long ago that was. */
    public Optional<Duration> age() {
        return seen.map(s -> timing.since(s.at()));
    }

    private boolean counts(Duration age) {
        return age.compareTo(signal.staleAfter()) < 0;
    }
}
