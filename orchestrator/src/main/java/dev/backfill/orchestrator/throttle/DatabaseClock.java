package dev.backfill.orchestrator.throttle;

import dev.backfill.orchestrator.timing.Timing;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What the database's clock says, as it was read last and carried on by our own monotonic clock. Safe for use by several
 * threads.
 */
public final class DatabaseClock {

    private record Reading(Instant time, long at) {}

    private final Timing timing;
    private volatile Optional<Reading> last = Optional.empty();

    /**
     * A clock that was not read yet.
     *
     * @param timing how time passes here
     */
    public DatabaseClock(Timing timing) {
        this.timing = timing;
    }

    /**
     * Takes a reading.
     *
     * @param time what the database said just now
     */
    public void read(Instant time) {
        last = Optional.of(new Reading(time, timing.nanos()));
    }

    /**
     * The database's time.
     *
     * @return empty before the first reading
     */
    public Optional<Instant> now() {
        return last.map(reading -> reading.time().plus(timing.since(reading.at())));
    }

    /**
     * How old the last reading is.
     *
     * @return empty before the first reading
     */
    public Optional<Duration> age() {
        return last.map(reading -> timing.since(reading.at()));
    }
}
