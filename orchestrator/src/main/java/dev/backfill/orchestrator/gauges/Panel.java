package dev.backfill.orchestrator.gauges;

import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.throttle.Governor;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalState;
import dev.backfill.orchestrator.timing.Timing;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The gauges of a database, and the governors over them. Whoever asks for a governor with the same limits has the same one,
 * so that a hold outlives who asked. Safe for use by several threads.
 */
public final class Panel {

    private static final int MOST = 10_000;

    private record Rule(String signal, Level level, Optional<String> table) {}

    private final Map<String, Gauge> gauges = new LinkedHashMap<>();
    private final Map<Rule, Governor> governors = new ConcurrentHashMap<>();

    /**
     * None of them read yet.
     *
     * @param signals which
     * @param timing how time passes
     */
    public Panel(Collection<? extends Vital> signals, Timing timing) {
        signals.forEach(signal -> gauges.put(signal.word(), new Gauge(signal, timing)));
    }

    /**
     * One of the gauges.
     *
     * @param signal its word
     * @return what is read of it
     * @throws IllegalStateException when there is none
     */
    public Gauge gauge(String signal) {
        Gauge gauge = gauges.get(signal);
        if (gauge == null) {
            throw new IllegalStateException("no signal is called " + signal);
        }
        return gauge;
    }

    /**
     * What sets the pace by a signal.
     *
     * @param signal its word
     * @param level the limits
     * @param table the table whose readings count; empty for those of the whole database
     * @return the one governor of these limits
     */
    public Governor governor(String signal, Level level, Optional<String> table) {
        if (governors.size() > MOST) {
            governors.clear(); // of tables and limits of long ago
        }
        return governors.computeIfAbsent(
                new Rule(signal, level, table), rule -> new LevelGovernor(gauge(signal), level, table));
    }

    /**
     * A signal as it was read last.
     *
     * @param signal its word
     * @param level the limits by which it is judged
     * @return its readings by source
     */
    public SignalState state(String signal, Level level) {
        Gauge gauge = gauge(signal);
        return new SignalState(
                signal,
                gauge.age(),
                gauge.current().isPresent(),
                gauge.last().stream()
                        .map(sample -> new SignalReading(
                                signal,
                                sample.source(),
                                sample.value(),
                                level.hold().isPresent() ? level.hold() : level.slow(),
                                LevelGovernor.verdict(sample, level)))
                        .toList());
    }
}
