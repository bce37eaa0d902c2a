package dev.backfill.orchestrator.control;

import java.time.Instant;
import java.util.Optional;

/**
 * An entry of the audit log.
 *
 * @param id grows with time, within one database
 * @param time when it was written down, by the database's clock
 * @param subject what it is about
 * @param change what became of it
 * @param who in whose name
 */
public record EventView(long id, Instant time, Subject subject, Change change, String who) {

    /**
     * What an event is about.
     *
     * @param kind such as {@code job}
     * @param name such as the job's name
     * @param run the run's id
     */
    public record Subject(String kind, String name, Optional<String> run) {}

    /**
     * What became of a subject.
     *
     * @param from what it was
     * @param to what it is now
     * @param detail a JSON object: reason and figures
     */
    public record Change(Optional<String> from, Optional<String> to, String detail) {}
}
