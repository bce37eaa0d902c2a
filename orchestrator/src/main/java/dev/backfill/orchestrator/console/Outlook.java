package dev.backfill.orchestrator.console;

import java.time.Duration;
import java.util.Optional;

/**
 * How far a run has to go, as everybody else is told who asks.
 *
 * @param rows how many there are in all, as far as is known
 * @param left how long the rest will take; empty while that is not known
 */
public record Outlook(long rows, Optional<Left> left) {

    /** Where nothing can be asked. */
    static final Outlook NONE = new Outlook(0, Optional.empty());

    /**
     * How long the rest will take.
     *
     * @param expected if it goes on as it did
     * @param least if all goes well
     * @param most within what was seen
     */
    public record Left(Duration expected, Duration least, Duration most) {}
}
