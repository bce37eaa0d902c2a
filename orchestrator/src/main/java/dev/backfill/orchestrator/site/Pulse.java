package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.StopSwitch;
import dev.backfill.orchestrator.control.StopSwitch.Reading;
import dev.backfill.orchestrator.control.StopSwitch.Stopped;
import dev.backfill.orchestrator.throttle.DatabaseClock;
import dev.backfill.orchestrator.timing.Timing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What a database says of itself, read now and then so that it can be asked from memory before every batch: its clock, and
 * whether everything is stopped. Safe for use by several threads.
 */
final class Pulse {

    private final Timing timing;
    private final StopSwitch stopSwitch;
    private final DatabaseClock clock;
    private final Optional<Path> stopFile;
    private volatile long answered;
    private volatile Optional<String> stopped = Optional.empty();
    private volatile Optional<String> stoppedByFile = Optional.empty();

    Pulse(Timing timing, StopSwitch stopSwitch, DatabaseClock clock, Optional<Path> stopFile) {
        this.timing = timing;
        this.stopSwitch = stopSwitch;
        this.clock = clock;
        this.stopFile = stopFile;
        this.answered = timing.nanos();
    }

    /** Reads once; what the database said last stays true while it does not answer. */
    void beat() {
        stoppedByFile = stopFile.filter(Files::exists).map(file -> "the stop file " + file + " is there");
        Reading reading = stopSwitch.read();
        answered = timing.nanos();
        clock.read(reading.time());
        stopped = reading.stopped().map(Stopped::display);
    }

    /** For how long the database has not answered. */
    Duration silence() {
        return timing.since(answered);
    }

    /** Why everything is stopped; empty while nothing is. */
    Optional<String> stopped() {
        return stoppedByFile.or(() -> stopped);
    }
}
