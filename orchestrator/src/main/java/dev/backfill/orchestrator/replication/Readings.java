package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.throttle.SignalReading;
import dev.backfill.orchestrator.throttle.SignalReading.Verdict;
import dev.backfill.orchestrator.throttle.SignalState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** What a standing means for each signal. Pure. */
public final class Readings {

    /** The part of the budget that a backlog may take to be worked off; a peak of lag comes later than its cause. */
    static final double DRAIN_PART = 0.2;

    /**
     * One reading of a signal.
     *
     * @param signal which
     * @param source the standby that it is of; the names of the missing ones
     * @param value how much, in the signal's unit
     * @param limit above which everything holds
     */
    public record Reading(Signal signal, String source, double value, double limit) {

        /**
         * Whether everything has to hold.
         *
         * @return true above the limit
         */
        public boolean isOver() {
            return value > limit;
        }

        /**
         * Whether a hold may end.
         *
         * @return true at half of the limit or below; of a backlog already at three quarters, for what is known of it is a
         *     quarter of a second old, and a gate that opens when nothing is left leaves the standby idle
         */
        boolean isWellBelow() {
            return value <= limit * (signal == Signal.REPLICATION_DRAIN ? 0.75 : 0.5);
        }

        /** The reading in series and lists: of the standby, or of all together. */
        SignalReading shown() {
            String of = signal == Signal.STANDBY_MISSING ? "" : source;
            return new SignalReading(
                    signal.word(), of, value, OptionalDouble.of(limit), isOver() ? Verdict.HOLD : Verdict.GO);
        }

        /**
         * The reading in a line.
         *
         * @return what is how much, and what is allowed
         */
        public String display() {
            return switch (signal) {
                case REPLICATION_DRAIN ->
                    "standby %s would need %s s for its backlog; allowed are %s s"
                            .formatted(source, number(value), number(limit));
                case REPLICATION_LAG ->
                    "standby %s is %s s behind; allowed are %s s".formatted(source, number(value), number(limit));
                case STANDBY_MISSING ->
                    isOver() ? "expected standbys are not connected: " + source : "all expected standbys are back";
                case STANDBY_STALE ->
                    "standby %s has not replied for %s s; allowed are %s s"
                            .formatted(source, number(value), number(limit));
            };
        }

        private static String number(double value) {
            return String.format(Locale.ROOT, "%.1f", value);
        }
    }

    private Readings() {}

    /**
     * What a standing means for a signal.
     *
     * @param signal which
     * @param standing how the standbys stood
     * @param limits what is allowed
     * @param age how long ago that was
     * @return a reading of each standby, or one of all together
     */
    public static List<Reading> of(Signal signal, Standing standing, ReplicationLimits limits, Duration age) {
        return switch (signal) {
            case REPLICATION_DRAIN ->
                each(
                        signal,
                        standing,
                        seconds(limits.budget()) * DRAIN_PART,
                        k -> k.drain(standing.writing() * seconds(age)));
            case REPLICATION_LAG -> each(signal, standing, seconds(limits.budget()), KeepingUp::lag);
            case STANDBY_STALE ->
                each(
                        signal,
                        standing,
                        seconds(limits.staleReply()),
                        k -> k.replyAge().orElse(Duration.ZERO));
            case STANDBY_MISSING -> List.of(missing(standing));
        };
    }

    /**
     * Every signal that is on.
     *
     * @param seen how the standbys stood last; empty before the first look
     * @param limits what is watched and allowed
     * @param age how long ago that was
     * @return by signal, with its readings by standby
     */
    static List<SignalState> states(Optional<Standing> seen, ReplicationLimits limits, Optional<Duration> age) {
        boolean up = age.filter(SignalGovernor::counts).isPresent();
        List<SignalState> states = new ArrayList<>();
        for (Signal signal : Signal.values()) {
            if (signal.isOn(limits)) {
                List<Reading> readings =
                        seen.map(s -> of(signal, s, limits, age.orElseThrow())).orElse(List.of());
                states.add(new SignalState(
                        signal.word(),
                        age,
                        up,
                        readings.stream().map(Reading::shown).toList()));
            }
        }
        return states;
    }

    /**
     * The worst of a signal's readings.
     *
     * @param readings of one signal
     * @return the one that is furthest above its limit, or nearest to it; empty when there is none
     */
    public static Optional<Reading> worst(List<Reading> readings) {
        return readings.stream().max((a, b) -> Double.compare(a.value() - a.limit(), b.value() - b.limit()));
    }

    private interface Measure {
        Duration of(KeepingUp standby);
    }

    private static List<Reading> each(Signal signal, Standing standing, double limit, Measure measure) {
        Map<String, Double> worst = new TreeMap<>();
        standing.keepingUp().forEach(k -> worst.merge(k.name().toString(), seconds(measure.of(k)), Math::max));
        return worst.entrySet().stream()
                .map(standby -> new Reading(signal, standby.getKey(), standby.getValue(), limit))
                .toList();
    }

    private static Reading missing(Standing standing) {
        String names = String.join(
                ", ", standing.missing().stream().map(StandbyName::toString).toList());
        return new Reading(Signal.STANDBY_MISSING, names, standing.missing().size(), 0);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
