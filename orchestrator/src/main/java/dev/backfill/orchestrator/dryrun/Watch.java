package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.batch.Change;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import java.sql.SQLException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends a change that takes too long, where the server would not see that. */
final class Watch {

    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
    private static final Duration LOOK = Duration.ofMillis(100);

    private final Change change;
    private final Stop stop;

    private Watch(Change change, Timing timing) {
        this.change = change;
        this.stop = new Stop(timing);
    }

    /** Watches from here on, in a thread that keeps no process from ending. */
    static Watch over(Change change, Timing timing) {
        Watch watch = new Watch(change, timing);
        Thread thread = new Thread(watch::look, "backfill dry-run watch");
        thread.setDaemon(true);
        thread.start();
        return watch;
    }

    private void look() {
        while (!stop.sleep(LOOK)) {
            try {
                change.watch();
            } catch (SQLException e) {
                LOG.atDebug().setCause(e).log("could not cancel a statement");
            }
        }
    }

    /** Watches no longer. */
    void end() {
        stop.request();
    }
}
