package dev.backfill.orchestrator.config;

import dev.backfill.orchestrator.config.ReplicationLimits.Watched;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** Reads what is watched of a database's standbys, and what is allowed. */
final class ThrottleReader {

    private static final Set<String> KEYS =
            Set.of("replication-drain", "replication-lag", "standby-missing", "standby-stale");
    private static final Set<String> OFF = Set.of("off", "false");
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofDays(1);

    private ThrottleReader() {}

    /** Refuses what it does not know. */
    static void allow(Section database) {
        Section throttle = database.section("throttle");
        throttle.allow(KEYS);
        if (!throttle.says("replication-lag", OFF)) {
            throttle.section("replication-lag").allow(Set.of("budget"));
        }
        if (!throttle.says("standby-stale", OFF)) {
            throttle.section("standby-stale").allow(Set.of("limit"));
        }
    }

    /** Reads a database's limits. */
    static ReplicationLimits read(Section database) {
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
}
