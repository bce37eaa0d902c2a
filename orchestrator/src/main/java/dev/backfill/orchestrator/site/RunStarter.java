package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.timing.Stop;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes a run that is due from its row to its driver, and sees it through. Safe for use by several threads. */
final class RunStarter {

    private static final Logger LOG = LoggerFactory.getLogger(RunStarter.class);

    private final Site site;
    private final Ears ears;
    private final Stop stop;

    RunStarter(Site site, Ears ears, Stop stop) {
        this.site = site;
        this.ears = ears;
        this.stop = stop;
    }

    /** Drives a run as far as it goes; false when it should be left alone for a while. */
    boolean drive(String id) {
        String name = "";
        try {
            Run run = site.stores().runs().find(id);
            name = run.revision().job();
            LoadedJob job = site.revisions().find(name, run.revision().number());
            Result result = site.check(job);
            RunLog log = new RunLog(site.name(), name);
            if (result instanceof Accepted accepted) {
                accepted.warnings().forEach(warning -> log.warned(run, warning));
                return drive(run, accepted.statement(), log);
            }
            refuse(run, ((Refused) result).problems(), log);
            return true;
        } catch (SQLException | RuntimeException e) {
            failed(id, name, e);
            return false;
        }
    }

    private boolean drive(Run run, JobStatement statement, RunLog log) throws SQLException {
        String name = run.revision().job();
        RunListener all =
                new RunListener.Several(List.of(site.holds().listener(name), ears.listener(name, site.name()), log));
        log.taken(run);
        site.holds().leave(run.id());
        site.queue().rememberHold(run.id(), null); // of a process that is gone, perhaps
        if (!run.state().isUnfinished()) {
            site.workshop().checkAgain(run, statement, all, stop);
            return true;
        }
        Run ended = site.workshop().drive(run, statement, all, stop);
        log.left(ended);
        return true;
    }

    private static Hold hold(Exception e) {
        return switch (SqlStates.state(e).map(SqlStates::classify).orElse(ErrorClass.DATABASE_DOWN)) {
            case LOCK, TIMEOUT -> Hold.LOCKED_ROWS;
            case RESOURCES -> Hold.NO_CONNECTION;
            case DISK_FULL -> Hold.DISK_FULL;
            case DATABASE_DOWN, DENIED, SESSION_LOST, DATA, PAUSE -> Hold.DATABASE_DOWN;
        };
    }

    /** A run whose job does not fit its table waits for a person, with every problem. */
    private void refuse(Run run, List<Problem> problems, RunLog log) {
        String reason = problems.stream().map(Problem::display).collect(Collectors.joining("; "));
        if (!run.state().isUnfinished()) {
            site.stores().transitions().concludeCheck(run, Optional.empty(), reason);
            return;
        }
        if (run.state().canBecome(RunState.PAUSED)
                && site.stores().transitions().move(run, RunState.PAUSED, reason)) {
            log.stateChanged(site.stores().runs().find(run.id()));
        }
    }

    private void failed(String run, String job, Exception e) {
        try {
            SqlStates.requireFromDatabase(e);
            site.holds().listener(job).held(run, hold(e), SqlStates.message(e));
            LOG.atWarn()
                    .addKeyValue("database", site.name())
                    .addKeyValue("run", run)
                    .addKeyValue("reason", SqlStates.message(e))
                    .log("run could not be taken up; tried again in 5 s");
        } catch (RuntimeException fault) {
            LOG.atError()
                    .addKeyValue("database", site.name())
                    .addKeyValue("run", run)
                    .setCause(fault)
                    .log("run could not be taken up; tried again in 5 s");
        }
    }
}
