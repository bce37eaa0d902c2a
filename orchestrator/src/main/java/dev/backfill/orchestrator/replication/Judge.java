package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** Makes of one probe after another how the standbys stand. Not safe for use by several threads. */
final class Judge {

    private static final Duration LONGEST = Duration.ofDays(1);
    private static final Duration OF_LATE = Duration.ofSeconds(1);

    private final Attendance attendance;
    private final WalTimes times = new WalTimes();
    private final Map<StandbyName, ApplyRate> rates = new HashMap<>();

    Judge(Attendance attendance) {
        this.attendance = attendance;
    }

    /** What there is to say after a probe, and the standbys that are expected from now on. */
    record Verdict(Standing standing, List<StandbyName> newlyExpected) {}

    /** Takes in a probe: the primary's position in bytes of WAL, and who follows it. */
    Verdict judge(long at, long position, Collection<Follower> followers) {
        times.passed(position, at);
        rates.keySet().retainAll(followers.stream().map(Follower::identity).collect(Collectors.toSet()));
        List<KeepingUp> keepingUp = new ArrayList<>();
        for (Follower follower : followers) {
            keepingUp.add(follower.isStandby() ? standby(at, position, follower) : receiver(at, position, follower));
        }
        List<StandbyName> newly = attendance.seen(followers, at);
        return new Verdict(new Standing(at, keepingUp, attendance.missing()), newly);
    }

    private KeepingUp standby(long at, long position, Follower follower) {
        long replayed = follower.replayed().orElseThrow();
        long backlog = Math.max(0, position - replayed);
        ApplyRate rate = rates.computeIfAbsent(follower.identity(), name -> new ApplyRate());
        rate.sampled(at, replayed, backlog);
        return new KeepingUp(
                follower.identity(),
                backlog,
                times.behind(replayed, at),
                drain(backlog, rate.bytesPerSecond()),
                follower.replyAge());
    }

    /** What only receives reports now and then: it is as far behind as it was when it reported last. */
    private KeepingUp receiver(long at, long position, Follower follower) {
        long received = follower.received().orElse(position);
        long reported = at - follower.replyAge().orElse(Duration.ZERO).toNanos();
        return new KeepingUp(
                follower.identity(),
                Math.max(0, position - received),
                times.behind(received, reported),
                Optional.empty(),
                follower.replyAge());
    }

    private static Optional<Duration> drain(long backlog, OptionalDouble rate) {
        if (rate.isEmpty()) {
            return Optional.empty();
        }
        double seconds = backlog / Math.max(rate.getAsDouble(), 1);
        return Optional.of(seconds >= LONGEST.toSeconds() ? LONGEST : Duration.ofNanos((long) (seconds * 1e9)));
    }

    /** How fast the primary writes, in bytes a second. */
    double writing(long now) {
        return times.rate(now, OF_LATE);
    }
}
