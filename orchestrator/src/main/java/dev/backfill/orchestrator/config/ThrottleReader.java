package dev.backfill.orchestrator.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValue;
import dev.backfill.orchestrator.config.OutsideReader.Kind;
import dev.backfill.orchestrator.policy.Level;
import dev.backfill.orchestrator.policy.Policy;
import dev.backfill.orchestrator.policy.ReplicationLimits;
import dev.backfill.orchestrator.policy.ReplicationLimits.Watched;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/** Reads which signals of a database are watched, and what is allowed. */
final class ThrottleReader {

    /** What the limits of a signal are written in, and what they become. */
    private enum Quantity {
        NUMBER("a number", value -> Double.parseDouble(text(value))),
        PERCENT("a percentage, such as 20%", ThrottleReader::part),
        SECONDS(
                "a duration, with its unit",
                value -> withUnit(value).getDuration("is").toNanos() / 1e9),
        BYTES("a size, with its unit", value -> withUnit(value).getBytes("is"));

        private final String what;
        private final ToDoubleFunction<ConfigValue> reader;

        Quantity(String what, ToDoubleFunction<ConfigValue> reader) {
            this.what = what;
            this.reader = reader;
        }
    }

    private static final Map<String, Quantity> LEVELS = levels();
    /** The limits of a signal. */
    static final Set<String> NUMBERS = Set.of("slow", "hold", "resume");

    private static final Set<String> STANDBYS =
            Set.of("replication-drain", "replication-lag", "standby-missing", "standby-stale");

    /** The signals that are on with limits in braces only. */
    static final Set<String> IN_BRACES = Set.of("replication-lag", "standby-stale");

    /** Words that turn a signal off. */
    static final Set<String> OFF = Set.of("off", "false");

    private static final String WITH_CORES = "active-sessions";
    private static final String LOCKS = "lock-storm";
    private static final int FOR_EACH_CORE = 5;
    private static final int LIKELY_CORES = 4;
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofDays(1);
    private static final double USUAL_RESUME = 0.8;

    private ThrottleReader() {}

    private static Map<String, Quantity> levels() {
        Map<String, Quantity> levels = new LinkedHashMap<>();
        levels.put("lock-waits", Quantity.SECONDS);
        levels.put(LOCKS, Quantity.NUMBER);
        levels.put(WITH_CORES, Quantity.NUMBER);
        levels.put("foreground", Quantity.NUMBER);
        levels.put("long-transaction", Quantity.SECONDS);
        levels.put("xmin-age", Quantity.NUMBER);
        levels.put("archive-backlog", Quantity.NUMBER);
        levels.put("slot-retention", Quantity.BYTES);
        levels.put("autovacuum", Quantity.NUMBER);
        levels.put("dead-tuples", Quantity.PERCENT);
        levels.put("checkpoint-pressure", Quantity.PERCENT);
        return levels;
    }

    /** Whether it is the word of a signal that is there without being defined. */
    static boolean isBuiltIn(String word) {
        return STANDBYS.contains(word) || LEVELS.containsKey(word);
    }

    /** Refuses what it does not know. */
    static void allow(Section throttle) {
        Set<String> known = new HashSet<>(OutsideReader.KEYS);
        known.add("limits");
        allow(throttle, known);
        throttle.section("limits").allow(LEVELS.keySet());
        LEVELS.keySet()
                .forEach(signal -> throttle.section("limits").section(signal).allow(NUMBERS));
        OutsideReader.allow(throttle);
    }

    /** The same of what a job says, which may name signals that the configuration defines. */
    static void allowJob(Section job, Map<String, Kind> defined) {
        allow(job, defined.keySet());
        defined.forEach((name, kind) -> job.braces(name).allow(kind.hasLimits() ? NUMBERS : Set.of()));
    }

    private static void allow(Section throttle, Set<String> more) {
        Set<String> known = new HashSet<>(STANDBYS);
        known.addAll(LEVELS.keySet());
        known.addAll(more);
        throttle.allow(known);
        if (!throttle.says("replication-lag", OFF)) {
            throttle.section("replication-lag").allow(Set.of("budget"));
        }
        if (!throttle.says("standby-stale", OFF)) {
            throttle.section("standby-stale").allow(Set.of("limit"));
        }
        LEVELS.keySet().forEach(signal -> throttle.braces(signal).allow(NUMBERS));
    }

    /**
     * Reads what runs give way to; of the defaults, which are not the whole of a database, the number of cores is not asked.
     */
    static Policy policy(Section throttle, List<String> expected, int cores, boolean whole) {
        return new Policy(standbys(throttle, expected), levels(throttle, cores, whole));
    }

    private static Map<String, Level> levels(Section throttle, int cores, boolean whole) {
        Map<String, Level> levels = new LinkedHashMap<>();
        LEVELS.forEach((signal, quantity) -> {
            if (isOn(throttle, signal, cores)) {
                if (whole && signal.equals(WITH_CORES) && cores == 0) {
                    throttle.problem(signal, "needs to know how many `cores` the server has; say so, or turn it off");
                }
                levels.put(signal, level(throttle, signal, quantity, cores));
            }
        });
        OutsideReader.names(throttle).forEach((name, kind) -> {
            if (throttle.has(name)
                    ? isOn(throttle, name, cores)
                    : !kind.of(throttle).says(name, OFF)) {
                levels.put(name, level(throttle, name, kind, whole));
            }
        });
        return levels;
    }

    /** The limits of a signal that the configuration defines; those of the defaults need not be whole. */
    private static Level level(Section throttle, String name, Kind kind, boolean whole) {
        Section defined = kind.of(throttle).braces(name);
        if (!kind.hasLimits()) {
            return new Level(OptionalDouble.empty(), OptionalDouble.empty(), Double.MAX_VALUE);
        }
        Limits said = new Limits(defined, Quantity.NUMBER, name, 0);
        if (whole && !defined.has("hold")) {
            defined.problem("hold", "is missing: above which number everything holds");
        }
        Limits usual =
                new Limits(said.slow, said.hold, said.resume.or(() -> said.hold.map(hold -> USUAL_RESUME * hold)));
        Section own = throttle.isObject(name) ? throttle.braces(name) : defined;
        return level(own, new Limits(own, Quantity.NUMBER, name, 0), usual);
    }

    private static boolean isOn(Section throttle, String signal, int cores) {
        if (signal.equals(WITH_CORES) && throttle.says(signal, Set.of("where cores are known"))) {
            return cores > 0;
        }
        return throttle.isObject(signal) || throttle.isFirst(signal, "on", "off");
    }

    private static Level level(Section throttle, String signal, Quantity quantity, int cores) {
        Section own = throttle.braces(signal);
        Limits usual = new Limits(throttle.section("limits").section(signal), quantity, signal, cores);
        return level(own, new Limits(own, quantity, signal, cores), usual);
    }

    /** What is left out goes with the hold: half of the hold is half of them all. */
    private static Level level(Section own, Limits limits, Limits usual) {
        Optional<Double> hold = limits.hold.or(() -> usual.hold);
        double scale = usual.hold
                .filter(of -> of > 0)
                .flatMap(of -> hold.map(is -> is / of))
                .orElse(1.0);
        double most = hold.orElse(Double.MAX_VALUE);
        Optional<Double> slow =
                limits.slow.or(() -> usual.slow.map(limit -> limit * scale).filter(limit -> limit < most));
        double resume = limits.resume.orElse(
                Math.min(most, usual.resume.map(limit -> limit * scale).orElse(most)));
        if (slow.isPresent() && slow.get() >= most) {
            own.problem("slow", "must be below hold");
        }
        if (resume > most) {
            own.problem("resume", "must not be above hold");
        }
        return new Level(limit(slow), limit(hold), resume);
    }

    /** The limits that stand in a section. */
    private record Limits(Optional<Double> slow, Optional<Double> hold, Optional<Double> resume) {

        Limits(Section section, Quantity quantity, String signal, int cores) {
            this(
                    section.quantity("slow", quantity.what, quantity.reader),
                    signal.equals(LOCKS) && section.says("hold", Set.of("5 * cores"))
                            ? Optional.of((double) FOR_EACH_CORE * (cores > 0 ? cores : LIKELY_CORES))
                            : section.quantity("hold", quantity.what, quantity.reader),
                    section.quantity("resume", quantity.what, quantity.reader));
        }
    }

    private static OptionalDouble limit(Optional<Double> limit) {
        return limit.map(OptionalDouble::of).orElse(OptionalDouble.empty());
    }

    private static ReplicationLimits standbys(Section throttle, List<String> expected) {
        EnumSet<Watched> on = EnumSet.noneOf(Watched.class);
        if (throttle.isFirst("replication-drain", "on", "off")) {
            on.add(Watched.DRAIN);
        }
        Duration budget = SHORTEST;
        if (!throttle.says("replication-lag", OFF)) {
            on.add(Watched.LAG);
            budget = limit(throttle, "replication-lag", "budget");
        } else if (on.remove(Watched.DRAIN)) {
            throttle.problem("replication-drain", "needs the budget of replication-lag, which is off; turn both off");
        }
        if (throttle.isFirst("standby-missing", "on", "off")) {
            on.add(Watched.MISSING);
        }
        Duration stale = LONGEST;
        if (!throttle.says("standby-stale", OFF)) {
            on.add(Watched.STALE);
            stale = limit(throttle, "standby-stale", "limit");
        }
        return new ReplicationLimits(on, budget, stale, expected);
    }

    private static Duration limit(Section throttle, String signal, String key) {
        Section braces = throttle.braces(signal);
        if (!braces.has(key)) {
            throttle.problem(signal, "needs its " + key + ", for nothing else says it");
        }
        return braces.duration(key, SHORTEST, LONGEST);
    }

    private static Config withUnit(ConfigValue value) {
        if (!text(value).matches(".*[A-Za-z]")) {
            throw new IllegalArgumentException("no unit");
        }
        return value.atKey("is");
    }

    private static double part(ConfigValue value) {
        String text = text(value);
        return text.endsWith("%")
                ? Double.parseDouble(text.substring(0, text.length() - 1)) / 100
                : Double.parseDouble(text);
    }

    private static String text(ConfigValue value) {
        return String.valueOf(value.unwrapped()).strip();
    }
}
