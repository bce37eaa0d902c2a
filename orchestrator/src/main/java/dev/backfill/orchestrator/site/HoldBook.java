package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Why the runs that this process works do not move. Safe for use by several threads. */
final class HoldBook {

    /**
     * A hold that is going on.
     *
     * @param run the run's id
     * @param job its job
     * @param hold why
     * @param held the same for people
     * @param lasted how long it has lasted
     */
    record Entry(String run, String job, Hold hold, Held held, Duration lasted) {}

    /**
     * Whose standstill is counted, and by which reason.
     *
     * @param job the job's name
     * @param word the reason
     */
    record Reason(String job, String word) {}

    private record Line(String job, Hold hold, Held held, long since, long counted) {
        Line counted(long now) {
            return new Line(job, hold, held, since, now);
        }
    }

    private final Timing timing;
    private final Supplier<Instant> clock;
    private final Map<String, Line> lines = new ConcurrentHashMap<>();
    private final Map<Reason, Long> stood = new ConcurrentHashMap<>();

    HoldBook(Timing timing, Supplier<Instant> clock) {
        this.timing = timing;
        this.clock = clock;
    }

    /** Why a run does not move. */
    Optional<Held> of(String run) {
        return Optional.ofNullable(lines.get(run)).map(Line::held);
    }

    /** Every hold that is going on. */
    List<Entry> entries() {
        return lines.entrySet().stream()
                .map(line -> new Entry(
                        line.getKey(),
                        line.getValue().job(),
                        line.getValue().hold(),
                        line.getValue().held(),
                        timing.since(line.getValue().since())))
                .toList();
    }

    /** For how long runs have stood still since this was asked last; the shortest holds count. One thread. */
    Map<Reason, Duration> stoodStill() {
        long now = timing.nanos();
        lines.replaceAll((run, line) -> count(line, now));
        Map<Reason, Duration> since = new HashMap<>();
        for (Reason reason : Set.copyOf(stood.keySet())) {
            Optional.ofNullable(stood.remove(reason)).ifPresent(nanos -> since.put(reason, Duration.ofNanos(nanos)));
        }
        return since;
    }

    private Line count(Line line, long now) {
        stood.merge(new Reason(line.job(), line.hold().word()), now - line.counted(), Long::sum);
        return line.counted(now);
    }

    /** Forgets a run that is no longer worked here. */
    void leave(String run) {
        lines.computeIfPresent(run, (id, line) -> ended(line));
    }

    private @Nullable Line ended(Line line) {
        count(line, timing.nanos());
        return null;
    }

    /** Listens to the runs of a job. */
    RunListener listener(String job) {
        return new RunListener() {
            @Override
            public void held(String run, Hold hold, String detail) {
                lines.compute(run, (id, line) -> {
                    if (line != null && line.hold().equals(hold)) {
                        Held now = new Held(hold.word(), line.held().since(), detail);
                        return new Line(job, hold, now, line.since(), line.counted());
                    } else if (line != null) {
                        ended(line);
                    }
                    long now = timing.nanos();
                    return new Line(job, hold, new Held(hold.word(), clock.get(), detail), now, now);
                });
            }

            @Override
            public void released(String run, Hold hold) {
                lines.computeIfPresent(run, (id, line) -> line.hold().equals(hold) ? ended(line) : line);
            }
        };
    }
}
