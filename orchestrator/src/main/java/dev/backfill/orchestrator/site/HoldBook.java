package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.RunView.Held;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

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

    private record Line(String job, Hold hold, Held held, long since) {}

    private final Timing timing;
    private final Supplier<Instant> clock;
    private final Map<String, Line> lines = new ConcurrentHashMap<>();

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

    /** Forgets a run that is no longer worked here. */
    void leave(String run) {
        lines.remove(run);
    }

    /** Listens to the runs of a job. */
    RunListener listener(String job) {
        return new RunListener() {
            @Override
            public void held(String run, Hold hold, String detail) {
                lines.compute(
                        run,
                        (id, line) -> line != null && line.hold().equals(hold)
                                ? new Line(
                                        job,
                                        hold,
                                        new Held(hold.word(), line.held().since(), detail),
                                        line.since())
                                : new Line(job, hold, new Held(hold.word(), clock.get(), detail), timing.nanos()));
            }

            @Override
            public void released(String run, Hold hold) {
                lines.computeIfPresent(run, (id, line) -> line.hold().equals(hold) ? null : line);
            }
        };
    }
}
