package dev.backfill.orchestrator.throttle;

import java.util.Optional;

/**
 * How fast a run may move right now.
 *
 * @param ratio from 0, stand still, to 1, as fast as it can
 * @param reason what slows it down; empty at full pace
 */
public record Pace(double ratio, Optional<Reason> reason) {

    /** Nothing slows the run down. */
    public static final Pace FULL = new Pace(1, Optional.empty());

    /**
     * What slows a run down.
     *
     * @param word the word in messages, tables and metrics, such as {@code window}
     * @param detail what is the matter, in a line
     * @param next what happens next and what an operator can do, as half a sentence
     */
    public record Reason(String word, String detail, String next) {}

    /**
     * Checks the ratio.
     *
     * @throws IllegalArgumentException when it is not within {@code [0, 1]}
     */
    public Pace {
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new IllegalArgumentException("a pace is between 0 and 1, and not " + ratio);
        }
    }

    /**
     * Stand still.
     *
     * @param reason why
     * @return the pace 0
     */
    public static Pace hold(Reason reason) {
        return new Pace(0, Optional.of(reason));
    }

    /**
     * Whether the run has to stand still.
     *
     * @return true when the ratio is 0
     */
    public boolean isHold() {
        return ratio == 0;
    }
}
