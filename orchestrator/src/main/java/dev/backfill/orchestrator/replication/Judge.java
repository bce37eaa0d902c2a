package dev.backfill.orchestrator.replication;

import dev.backfill.orchestrator.replication.ReplicationProbe.Answer;
import dev.backfill.orchestrator.replication.ReplicationProbe.Follower;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reader;
import dev.backfill.orchestrator.replication.ReplicationProbe.Reply;
import dev.backfill.orchestrator.replication.Standing.KeepingUp;
import dev.backfill.orchestrator.replication.Standing.Primary;
import dev.backfill.orchestrator.standbys.Attendance;
import dev.backfill.orchestrator.standbys.StandbyName;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** Makes of one probe after another how the standbys stand. Not safe for use by several threads. */
final class Judge {

    private static final Duration OF_LATE = Duration.ofSeconds(1);
    private static final Duration OF_LATE_SELDOM = Duration.ofSeconds(2);
    private static final Duration LONG = Duration.ofMillis(650);
    private static final int LOOKS = 3;

    private final Attendance attendance;
    private final WalTimes times = new WalTimes();
    private final Map<Integer, Heard> heard = new HashMap<>();
    private final Deque<Duration> looks = new ArrayDeque<>();
    private long since = Long.MIN_VALUE;

    Judge(Attendance attendance) {
        this.attendance = attendance;
    }

    /** What there is to say after a probe, and the standbys that are expected from now on. */
    record Verdict(Standing standing, List<StandbyName> newlyExpected) {}

    /**
     * What was heard of one connection: its speed, and when a reply came last. By our clock, for the standby's may be
     * wrong; only the age of the first reply has to be taken from the two.
     */
    private static final class Heard {

        private final ApplyRate rate = new ApplyRate();
        private Optional<Reply> last = Optional.empty();
        private long moment;

        /** Whether there is something new. */
        boolean takeIn(Optional<Reply> reply, long at) {
            if (reply.map(Reply::sent).equals(last.map(Reply::sent))) {
                return false;
            }
            moment = last.isPresent()
                    ? at
                    : at - reply.map(Reply::age).orElse(Duration.ZERO).toNanos();
            last = reply;
            return true;
        }

        Optional<Duration> age(long at) {
            return last.map(reply -> Duration.ofNanos(Math.max(0, at - moment)));
        }
    }

    /** Takes in a look: when it began, how long it took, and what it brought. */
    Verdict judge(long at, Duration took, Answer answer) {
        since = since == Long.MIN_VALUE ? at : since;
        long position = answer.position();
        times.passed(position, at);
        boolean isSeldom = isSeldom(took) || answer.isOfReaders();
        heard.keySet().retainAll(answer.followers().stream().map(Follower::pid).collect(Collectors.toSet()));
        List<KeepingUp> keepingUp = new ArrayList<>();
        for (Follower follower : answer.followers()) {
            Heard of = heard.computeIfAbsent(follower.pid(), pid -> new Heard());
            boolean isNew = of.takeIn(follower.reply(), at);
            if (isNew) {
                follower.replayed()
                        .ifPresent(replayed -> of.rate.sampled(at, replayed, Math.max(0, position - replayed)));
            }
            keepingUp.add(
                    follower.isStandby() ? standby(at, position, follower, of) : receiver(at, position, follower, of));
        }
        answer.readers().forEach(reader -> keepingUp.add(reader(reader)));
        List<StandbyName> newly = attendance.seen(
                answer.followers().stream()
                        .filter(Follower::isStandby)
                        .map(Follower::name)
                        .toList(),
                answer.readers().stream().map(Reader::name).toList(),
                at);
        double writing = times.rate(at, isSeldom ? OF_LATE_SELDOM : OF_LATE);
        return new Verdict(
                new Standing(at, new Primary(since, isSeldom, writing), keepingUp, attendance.missing()), newly);
    }

    /** Whether the last looks all took long, or all that there were. */
    private boolean isSeldom(Duration took) {
        looks.addLast(took);
        if (looks.size() > LOOKS) {
            looks.removeFirst();
        }
        return looks.stream().allMatch(look -> look.compareTo(LONG) >= 0);
    }

    private static KeepingUp reader(Reader reader) {
        return new KeepingUp(reader.name(), 0, reader.lag(), OptionalDouble.empty(), Optional.of(reader.age()));
    }

    private KeepingUp standby(long at, long position, Follower follower, Heard of) {
        long replayed = follower.replayed().orElse(position);
        return new KeepingUp(
                follower.name(),
                Math.max(0, position - replayed),
                times.behind(replayed, at),
                of.rate.bytesPerSecond(),
                of.age(at));
    }

    /** What only receives reports now and then: it is as far behind as it was when it reported last. */
    private KeepingUp receiver(long at, long position, Follower follower, Heard of) {
        long received = follower.received().orElse(position);
        Optional<Duration> age = of.age(at);
        long reported = at - age.orElse(Duration.ZERO).toNanos();
        return new KeepingUp(
                follower.name(),
                Math.max(0, position - received),
                times.behind(received, reported),
                OptionalDouble.empty(),
                age);
    }
}
