package dev.backfill.orchestrator.throttle;

import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.util.Optional;
import java.util.function.Supplier;

/** Holds everything while a stop is said. Safe for use by several threads. */
public final class StopGovernor implements Governor {

    /** What it is called, and the reason that it gives. */
    public static final String NAME = "stopped";

    private final Supplier<Optional<String>> stop;

    /**
     * Over a stop.
     *
     * @param stop who said it and why, from memory; empty while nobody does
     */
    public StopGovernor(Supplier<Optional<String>> stop) {
        this.stop = stop;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Pace pace() {
        return stop.get()
                .map(why -> Pace.hold(new Reason(NAME, why, "everything goes on once the stop is lifted")))
                .orElse(Pace.FULL);
    }
}
