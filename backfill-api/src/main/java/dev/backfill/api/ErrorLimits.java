package dev.backfill.api;

import java.time.Duration;

/**
 * What is tried before a run stops.
 *
 * @param attempts how often one batch is tried, at least once
 * @param quarantine how many keys whose data cannot be processed may be set aside before the run pauses, at least 0
 * @param lockTimeout how long a batch waits for one lock
 * @param statementTimeout how long one statement of a batch may take
 */
public record ErrorLimits(int attempts, int quarantine, Duration lockTimeout, Duration statementTimeout) {

    /**
     * Checks that there is at least one attempt, that both times are positive, and the quarantine not negative.
     *
     * @throws IllegalArgumentException when it is not so
     */
    public ErrorLimits {
        if (attempts < 1) {
            throw new IllegalArgumentException("errors.attempts must be at least 1");
        }
        if (quarantine < 0) {
            throw new IllegalArgumentException("errors.quarantine must be at least 0");
        }
        if (lockTimeout.isNegative() || lockTimeout.isZero()) {
            throw new IllegalArgumentException("errors.lock-timeout must be longer than 0");
        }
        if (statementTimeout.isNegative() || statementTimeout.isZero()) {
            throw new IllegalArgumentException("errors.statement-timeout must be longer than 0");
        }
    }
}
