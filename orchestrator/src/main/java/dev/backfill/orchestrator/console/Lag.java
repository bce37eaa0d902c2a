package dev.backfill.orchestrator.console;

import java.util.Locale;

/**
 * How far the standby that is furthest behind is.
 *
 * @param seconds how far
 * @param budget how far it may be
 */
public record Lag(double seconds, double budget) {

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, budget % 1 == 0 ? "lag %.1f s / %.0f s" : "lag %.1f s / %.1f s", seconds, budget);
    }
}
