package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.run.Slice;
import dev.backfill.orchestrator.sql.Key;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/** Says in the log what becomes of a job's run: one line an event. Safe for use by several threads. */
final class RunLog implements RunListener {

    private static final Logger LOG = LoggerFactory.getLogger("dev.backfill.run");

    private final String database;
    private final String job;

    RunLog(String database, String job) {
        this.database = database;
        this.job = job;
    }

    /** A run was taken up here. */
    void taken(Run run) {
        line(Level.INFO, run.id()).addKeyValue("state", run.state()).log("run is worked here");
    }

    /** A run is not worked here any more. */
    void left(Run run) {
        if (run.state() == RunState.PENDING || run.state() == RunState.RUNNING || run.state() == RunState.VERIFYING) {
            line(Level.INFO, run.id()).addKeyValue("state", run.state()).log("run is no longer worked here");
        }
    }

    /** Something about a job is not ideal. */
    void warned(Run run, String warning) {
        line(Level.WARN, run.id()).addKeyValue("reason", warning).log("job is not ideal");
    }

    @Override
    public void stateChanged(Run run) {
        String next = switch (run.state()) {
            case PENDING -> "it begins by itself";
            case RUNNING -> "its slices are worked";
            case VERIFYING -> "the range is checked";
            case PAUSED -> "resume lets it go on, once the reason is seen to";
            case SUCCEEDED -> "nothing is left to do";
            case FAILED -> "see to the rows that are left, then retry";
            case CANCELLED -> "start makes a new run";
        };
        boolean bad = run.state() == RunState.FAILED || run.state() == RunState.PAUSED;
        LoggingEventBuilder line = line(bad ? Level.WARN : Level.INFO, run.id())
                .addKeyValue("state", run.state())
                .addKeyValue("pass", run.pass());
        run.details()
                .reason()
                .map(reason -> line.addKeyValue("reason", reason))
                .orElse(line)
                .addKeyValue("next", next)
                .log("run changed its state");
    }

    @Override
    public void batchRolledBack(Slice slice, Outcome outcome, String why) {
        if (outcome == Outcome.FAILED) {
            line(Level.WARN, slice.id().run())
                    .addKeyValue("slice", slice.id().number())
                    .addKeyValue("reason", why)
                    .log("batch failed; the run is paused");
        }
    }

    @Override
    public void setAside(Slice slice, Key key, String why) {
        line(Level.WARN, slice.id().run())
                .addKeyValue("slice", slice.id().number())
                .addKeyValue("key", key)
                .addKeyValue("reason", why)
                .addKeyValue("next", "the run goes on behind it; mend the row, then retry once the run has ended")
                .log("key is set aside");
    }

    @Override
    public void commitFenced(Slice slice) {
        line(Level.WARN, slice.id().run())
                .addKeyValue("slice", slice.id().number())
                .log("late commit was fenced off and rolled back; the slice had gone to another worker");
    }

    private LoggingEventBuilder line(Level level, String run) {
        return LOG.atLevel(level)
                .addKeyValue("database", database)
                .addKeyValue("job", job)
                .addKeyValue("run", run);
    }
}
