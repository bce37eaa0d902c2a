package dev.backfill.orchestrator.throttle;

import dev.backfill.orchestrator.throttle.Pace.Reason;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** Lets a run move only inside its windows, by the database's clock. Safe for use by several threads. */
public final class WindowGovernor implements Governor {

    /** What it is called, and the reason that it gives. */
    public static final String NAME = "window";

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm xxx");

    private final Windows windows;
    private final ZoneId zone;
    private final DatabaseClock clock;

    /**
     * For one job.
     *
     * @param windows when it may move
     * @param zone in which times are shown
     * @param clock the clock of the job's database
     */
    public WindowGovernor(Windows windows, ZoneId zone, DatabaseClock clock) {
        this.windows = windows;
        this.zone = zone;
        this.clock = clock;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Pace pace() {
        Optional<Instant> now = clock.now();
        if (now.isEmpty()) {
            return hold("the database's clock was not read yet", "the run goes on by itself inside its windows");
        }
        if (windows.isOpen(now.get())) {
            return Pace.FULL;
        }
        String opens = windows.nextOpening(now.get())
                .map(instant -> TIME.format(instant.atZone(zone)) + " (" + zone + ")")
                .orElse("never");
        return hold("outside of the job's windows; the next opens " + opens, "the run goes on by itself then");
    }

    private static Pace hold(String detail, String next) {
        return Pace.hold(new Reason(NAME, detail, next));
    }
}
