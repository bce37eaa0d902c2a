package dev.backfill.orchestrator.control;

import dev.backfill.orchestrator.run.RunState;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A run as people see it, at one moment.
 *
 * @param id which run it is
 * @param status where it stands
 * @param times when things happened to it
 * @param rows how far it is
 * @param eta how long the rest of the pass will take; empty while that is not known
 */
public record RunView(Id id, Status status, Times times, Rows rows, Optional<Eta> eta) {

    /**
     * Which run it is.
     *
     * @param run the run's id
     * @param job the job's name
     * @param revision of the job
     * @param database the database's configured name
     */
    public record Id(String run, String job, int revision, String database) {}

    /**
     * How long the rest of a pass will take, from what was seen in the last minutes.
     *
     * @param expected if it goes on as it did, and is held as often as it was
     * @param least if it is not held any more
     * @param most if it is slower and held for longer, within what was seen
     */
    public record Eta(Duration expected, Duration least, Duration most) {}

    /**
     * Where a run stands.
     *
     * @param state its state
     * @param reason why it is paused, failed or cancelled
     * @param hold why it does not move although it runs
     */
    public record Status(RunState state, Optional<String> reason, Optional<Held> hold) {}

    /**
     * A hold.
     *
     * @param reason the word, such as {@code window}
     * @param since when it began
     * @param detail what is the matter, in a line
     */
    public record Held(String reason, Instant since, String detail) {}

    /**
     * When things happened to a run.
     *
     * @param created when it was added
     * @param scheduledFor the planned start; empty when a person or a registration started it
     * @param started when its range was frozen
     * @param finished when it ended
     */
    public record Times(
            Instant created, Optional<Instant> scheduledFor, Optional<Instant> started, Optional<Instant> finished) {}

    /**
     * How far a run is, in rows.
     *
     * @param scanned keys gone over, in all passes
     * @param scannedInPass keys gone over in the present pass
     * @param changed rows changed, as the server counted them
     * @param quarantined keys in quarantine now
     * @param all what is known of the whole
     */
    public record Rows(long scanned, long scannedInPass, long changed, long quarantined, Whole all) {

        /** Whether as many were gone over as were expected: if that is not all, the figure was too low. */
        boolean reachTheEstimate() {
            return scannedInPass > 0
                    && all.estimated()
                            .filter(expected -> scannedInPass >= expected)
                            .isPresent();
        }

        /** The same, of so many rows in all. */
        Rows expecting(long rows) {
            return new Rows(scanned, scannedInPass, changed, quarantined, new Whole(Optional.of(rows), all.counted()));
        }
    }

    /**
     * What is known of the rows of the whole range.
     *
     * @param estimated the planner's figure, or what the keys that are behind make of it when that was too low; empty
     *     before the run began
     * @param counted how many the last check found still to do; empty before the first
     */
    public record Whole(Optional<Long> estimated, Optional<Long> counted) {}

    /**
     * How much of the range is done, of the present pass.
     *
     * @return from 0 to 1; 1 once every slice is done
     */
    public double progress() {
        return switch (status.state()) {
            case SUCCEEDED, VERIFYING -> 1;
            case PENDING, RUNNING, PAUSED, FAILED, CANCELLED -> share();
        };
    }

    /**
     * How many rows are still to do.
     *
     * @return what the last check counted; before it the planner's figure less what was gone over; empty when nothing
     *     is known
     */
    public Optional<Long> remaining() {
        return rows.all()
                .counted()
                .or(() -> rows.all().estimated().map(all -> Math.max(0, all - rows.scannedInPass())));
    }

    private double share() {
        long all = Math.max(rows.all().estimated().orElse(0L), rows.scannedInPass());
        return all == 0 ? 0 : (double) rows.scannedInPass() / all;
    }
}
