package dev.backfill.orchestrator.config;

import com.typesafe.config.ConfigValue;
import dev.backfill.orchestrator.config.DatabaseSettings.Level;
import dev.backfill.orchestrator.config.ReplicationLimits.Watched;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
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
                value -> value.atKey("is").getDuration("is").toNanos() / 1e9),
        BYTES("a size, with its unit", value -> value.atKey("is").getBytes("is"));

        private final String what;
        private final ToDoubleFunction<ConfigValue> reader;

        Quantity(String what, ToDoubleFunction<ConfigValue> reader) {
            this.what = what;
            this.reader = reader;
        }
    }

    private static final Map<String, Quantity> LEVELS = levels();
    private static final Set<String> NUMBERS = Set.of("slow", "hold", "resume");
    private static final Set<String> STANDBYS =
            Set.of("replication-drain", "replication-lag", "standby-missing", "standby-stale");
    private static final Set<String> OFF = Set.of("off", "false");
    private static final String WITH_CORES = "active-sessions";
    private static final String LOCKS = "lock-storm";
    private static final int FOR_EACH_CORE = 5;
    private static final int LIKELY_CORES = 4;
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofDays(1);

    private ThrottleReader() {}

    private static Map<String, Quantity> levels() {
        Map<String, Quantity> levels = new LinkedHashMap<>();
        levels.put("lock-waits", Quantity.SECONDS);
        levels.put(LOCKS, Quantity.NUMBER);
        levels.put(WITH_CORES, Quantity.NUMBER);
        levels.put("long-transaction", Quantity.SECONDS);
        levels.put("xmin-age", Quantity.NUMBER);
        levels.put("archive-backlog", Quantity.NUMBER);
        levels.put("slot-retention", Quantity.BYTES);
        levels.put("autovacuum", Quantity.NUMBER);
        levels.put("dead-tuples", Quantity.PERCENT);
        levels.put("checkpoint-pressure", Quantity.PERCENT);
        return levels;
    }

    /** Refuses what it does not know. */
    static void allow(Section database) {
        Section throttle = database.section("throttle");
        Set<String> known = new HashSet<>(STANDBYS);
        known.addAll(LEVELS.keySet());
        known.add("limits");
        throttle.allow(known);
        if (!throttle.says("replication-lag", OFF)) {
            throttle.section("replication-lag").allow(Set.of("budget"));
        }
        if (!throttle.says("standby-stale", OFF)) {
            throttle.section("standby-stale").allow(Set.of("limit"));
        }
        throttle.section("limits").allow(LEVELS.keySet());
        for (String signal : LEVELS.keySet()) {
            throttle.braces(signal).allow(NUMBERS);
            throttle.section("limits").section(signal).allow(NUMBERS);
        }
    }

    /** Reads the limits of what is watched besides the standbys, by the signals' words. */
    static Map<String, Level> levels(Section throttle, int cores) {
        Map<String, Level> levels = new LinkedHashMap<>();
        LEVELS.forEach((signal, quantity) -> {
            if (isOn(throttle, signal, cores)) {
                levels.put(signal, level(throttle, signal, quantity, cores));
            }
        });
        return levels;
    }

    private static boolean isOn(Section throttle, String signal, int cores) {
        if (throttle.isObject(signal)) {
            return hasCores(throttle, signal, cores);
        }
        if (signal.equals(WITH_CORES) && throttle.says(signal, Set.of("where cores are known"))) {
            return cores > 0;
        }
        return throttle.isFirst(signal, "on", "off") && hasCores(throttle, signal, cores);
    }

    private static boolean hasCores(Section throttle, String signal, int cores) {
        if (signal.equals(WITH_CORES) && cores == 0) {
            throttle.problem(signal, "needs to know how many `cores` the server has; say so, or turn it off");
            return false;
        }
        return true;
    }

    private static Level level(Section throttle, String signal, Quantity quantity, int cores) {
        Section own = throttle.braces(signal);
        Section limits = own.orElse(throttle.section("limits").section(signal));
        Optional<Double> hold = signal.equals(LOCKS) && limits.says("hold", Set.of("5 * cores"))
                ? Optional.of((double) FOR_EACH_CORE * (cores > 0 ? cores : LIKELY_CORES))
                : limits.quantity("hold", quantity.what, quantity.reader);
        Optional<Double> slow = limits.quantity("slow", quantity.what, quantity.reader);
        Optional<Double> resume = limits.quantity("resume", quantity.what, quantity.reader);
        double most = hold.orElse(Double.MAX_VALUE);
        if (own.has("slow") && own.has("hold") && slow.orElse(0.0) >= most) {
            own.problem("slow", "must be below hold");
        }
        if (own.has("resume") && own.has("hold") && resume.orElse(0.0) > most) {
            own.problem("resume", "must not be above hold");
        }
        return new Level(limit(slow.filter(limit -> limit < most)), limit(hold), Math.min(resume.orElse(most), most));
    }

    private static OptionalDouble limit(Optional<Double> limit) {
        return limit.map(OptionalDouble::of).orElse(OptionalDouble.empty());
    }

    /** Reads the limits of the standbys. */
    static ReplicationLimits standbys(Section database) {
        Section throttle = database.section("throttle");
        EnumSet<Watched> on = EnumSet.noneOf(Watched.class);
        if (throttle.isFirst("replication-drain", "on", "off")) {
            on.add(Watched.DRAIN);
        }
        Duration budget = SHORTEST;
        if (!throttle.says("replication-lag", OFF)) {
            on.add(Watched.LAG);
            budget = throttle.section("replication-lag").duration("budget", SHORTEST, LONGEST);
        } else if (on.remove(Watched.DRAIN)) {
            throttle.problem("replication-drain", "needs the budget of replication-lag, which is off; turn both off");
        }
        if (throttle.isFirst("standby-missing", "on", "off")) {
            on.add(Watched.MISSING);
        }
        Duration stale = LONGEST;
        if (!throttle.says("standby-stale", OFF)) {
            on.add(Watched.STALE);
            stale = throttle.section("standby-stale").duration("limit", SHORTEST, LONGEST);
        }
        return new ReplicationLimits(on, budget, stale, database.texts("standbys"));
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
