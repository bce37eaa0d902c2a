package dev.backfill.orchestrator.pacing;

import dev.backfill.api.Execution;
import dev.backfill.orchestrator.throttle.Throttle;
import java.util.Optional;
import java.util.function.Function;

/**
 * How one run goes right now: as its job says, and as an operator has tuned it since. Safe for use by several threads.
 */
public final class Steering {

    /**
     * How a run goes.
     *
     * @param execution how fast and how patiently
     * @param throttle what sets its pace
     */
    public record Course(Execution execution, Throttle throttle) {}

    private final Function<Optional<String>, Course> reader;
    private Optional<String> tuning;
    private volatile Course course;

    /**
     * For one run.
     *
     * @param tuning what an operator has tuned so far; empty for nothing
     * @param course how it goes by that
     * @param reader makes a course of what was tuned; may say the same again when that cannot be read
     */
    public Steering(Optional<String> tuning, Course course, Function<Optional<String>, Course> reader) {
        this.reader = reader;
        this.tuning = tuning;
        this.course = course;
    }

    /**
     * How the run goes now.
     *
     * @return to be asked anew for every batch
     */
    public Course course() {
        return course;
    }

    /**
     * Takes what is tuned now.
     *
     * @param now as it is written down; the same as before changes nothing
     */
    public synchronized void tune(Optional<String> now) {
        if (!now.equals(tuning)) {
            course = reader.apply(now);
            tuning = now;
        }
    }
}
