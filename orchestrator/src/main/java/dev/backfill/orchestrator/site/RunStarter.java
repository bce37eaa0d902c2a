package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.pacing.Hands;
import dev.backfill.orchestrator.registration.RevisionStore.UnreadableException;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.report.Tallies;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunListener;
import dev.backfill.orchestrator.run.RunListener.Hold;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.timing.Stop;
import dev.backfill.orchestrator.timing.Timing;
import dev.backfill.orchestrator.tuning.Tuner;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes a run that is due from its row to its driver, and sees it through. Safe for use by several threads. */
final class RunStarter {

    private static final Logger LOG = LoggerFactory.getLogger(RunStarter.class);

    /** How many runs are looked at against their tables at once: each takes connections of its own. */
    private static final int RUNS_AT_ONCE = 4;

    /** How long a run waits for a process that has its processor. */
    private static final Duration FOR_OTHERS = Duration.ofSeconds(15);

    private final Site site;
    private final Ears ears;
    private final Tallies tallies;
    private final Stop stop;
    private final Set<String> unreadable = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> lacking = new ConcurrentHashMap<>();
    private final Hands taking = Hands.of(RUNS_AT_ONCE);

    RunStarter(Site site, Ears ears, Tallies tallies, Stop stop) {
        this.site = site;
        this.ears = ears;
        this.tallies = tallies;
        this.stop = stop;
    }

    /** Drives a run as far as it goes; false when it should be left alone for a while. */
    boolean drive(String id) {
        String name = "";
        try {
            Run run = site.stores().runs().find(id);
            name = run.revision().job();
            LoadedJob job = site.revisions().find(name, run.revision().number());
            if (isCheckedElsewhere(run) || isLeftToOthers(run, job)) {
                return false;
            }
            Optional<Result> looked = look(run, job);
            if (looked.isEmpty()) {
                return true;
            }
            Result result = looked.get();
            RunLog log = new RunLog(site.name(), name);
            if (result instanceof Accepted accepted) {
                accepted.warnings().forEach(warning -> log.warned(run, warning));
                return drive(run, accepted.statement(), log);
            }
            refuse(run, ((Refused) result).problems(), log);
            return true;
        } catch (UnreadableException e) {
            leaveAlone(id, String.valueOf(e.getMessage()));
            return false;
        } catch (SQLException | RuntimeException e) {
            failed(id, name, e);
            return false;
        }
    }

    /** Whether another process checks an ended run that somebody wants checked again. */
    private boolean isCheckedElsewhere(Run run) {
        return !run.state().isUnfinished()
                && site.stores()
                        .runs()
                        .foreignVerifier(run.id(), site.stores().leases().owner())
                        .isPresent();
    }

    /**
     * Whether a run needs a processor that this process has not, and another process works or holds it, or still may come to.
     * It is looked at again every few seconds; only a run that nobody has touched all that while is nobody's.
     */
    private boolean isLeftToOthers(Run run, LoadedJob job) {
        if (!needsProcessor(run) || !site.workshop().lacks(job.definition())) {
            return false;
        }
        Timing timing = site.workshop().timing();
        if (site.queue().isTouched(run.id(), site.stores().leases().owner())) {
            lacking.remove(run.id());
            return true;
        }
        long since = lacking.computeIfAbsent(run.id(), id -> timing.nanos());
        boolean may = timing.since(since).compareTo(FOR_OTHERS) < 0;
        if (!may) {
            lacking.remove(run.id());
        }
        return may;
    }

    private static boolean needsProcessor(Run run) {
        return run.state() == RunState.PENDING || run.state() == RunState.RUNNING;
    }

    /** The job against its table; empty when work was asked to stop before it was its turn. */
    private Optional<Result> look(Run run, LoadedJob job) throws SQLException {
        if (!taking.take(stop, () -> {})) {
            return Optional.empty();
        }
        try {
            Tuner tuner = site.tuner();
            LoadedJob tuned = tuner.job(run, tuner.tuned(run)).orElse(job);
            return Optional.of(
                    needsProcessor(run) ? site.check(tuned) : site.workshop().checkWithoutProcessor(tuned));
        } finally {
            taking.giveBack();
        }
    }

    private boolean drive(Run run, JobStatement statement, RunLog log) throws SQLException {
        String name = run.revision().job();
        RunListener all = new RunListener.Several(
                List.of(site.holds().listener(name), tallies, ears.listener(name, site.name()), log));
        log.taken(run);
        site.holds().leave(run.id());
        if (!run.state().isUnfinished()) {
            site.workshop().checkAgain(run, statement, all, stop);
            return true;
        }
        site.queue().rememberHold(run.id(), null); // of a process that is gone, perhaps
        Run ended = site.workshop().drive(run, statement, all, stop);
        tallies.left(run.id());
        log.left(ended);
        return true;
    }

    private static Hold hold(Exception e) {
        return switch (SqlStates.state(e).map(SqlStates::classify).orElse(ErrorClass.DATABASE_DOWN)) {
            case LOCK, TIMEOUT -> Hold.LOCKED_ROWS;
            case RESOURCES -> Hold.NO_CONNECTION;
            case DISK_FULL -> Hold.DISK_FULL;
            case DATABASE_DOWN, DENIED, SESSION_LOST, DATA, AGAIN, TOO_LARGE, PAUSE -> Hold.DATABASE_DOWN;
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

    /** A run of a newer version of the program is that version's. */
    private void leaveAlone(String run, String why) {
        if (unreadable.add(run)) {
            LOG.atWarn()
                    .addKeyValue("database", site.name())
                    .addKeyValue("run", run)
                    .addKeyValue("reason", why)
                    .log("run is left alone; a daemon of the newer version works it");
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
