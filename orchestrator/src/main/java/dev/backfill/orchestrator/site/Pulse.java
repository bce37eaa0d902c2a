package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.StopSwitch;
import dev.backfill.orchestrator.control.StopSwitch.Reading;
import dev.backfill.orchestrator.control.StopSwitch.Stopped;
import dev.backfill.orchestrator.throttle.DatabaseClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a database says of itself, read now and then so that it can be asked from memory before every batch: its clock, and
 * whether everything is stopped. Safe for use by several threads.
 */
final class Pulse {

    private final StopSwitch stopSwitch;
    private final DatabaseClock clock;
    private final Optional<Path> stopFile;
    private volatile Optional<String> stopped = Optional.empty();
    private volatile Optional<String> stoppedByFile = Optional.empty();

    Pulse(StopSwitch stopSwitch, DatabaseClock clock, Optional<Path> stopFile) {
        this.stopSwitch = stopSwitch;
        this.clock = clock;
        this.stopFile = stopFile;
    }

    /** Reads once; what the database said last stays true while it does not answer. */
    void beat() {
        stoppedByFile = stopFile.filter(Files::exists).map(file -> "the stop file " + file + " is there");
        Reading reading = stopSwitch.read();
        clock.read(reading.time());
        stopped = reading.stopped().map(Stopped::display);
    }

    /** Why everything is stopped; empty while nothing is. */
    Optional<String> stopped() {
        return stoppedByFile.or(() -> stopped);
    }
}
