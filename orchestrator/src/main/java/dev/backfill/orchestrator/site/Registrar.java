package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.db.ErrorClass;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.registration.Dependencies;
import dev.backfill.orchestrator.registration.Dependencies.CycleException;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registration.OvertakenException;
import dev.backfill.orchestrator.registry.LiveCheck.Accepted;
import dev.backfill.orchestrator.registry.LiveCheck.Refused;
import dev.backfill.orchestrator.registry.LiveCheck.Result;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Registers and unregisters jobs, whatever they come from. Safe for use by several threads. */
public final class Registrar {

    /** What became of a registration. */
    public sealed interface Answer {}

    /**
     * The job is registered.
     *
     * @param database where
     * @param registered its revision, and whether anything changed
     * @param warnings what is not ideal, in sentences
     */
    public record Registered(String database, JobStore.Registered registered, List<String> warnings)
            implements Answer {}

    /**
     * The job cannot be registered as it is.
     *
     * @param problems all that was found, at least one
     */
    public record NotFit(List<Problem> problems) implements Answer {}

    /**
     * The job's database cannot be asked now.
     *
     * @param database its configured name
     * @param detail why
     */
    public record NotNow(String database, String detail) implements Answer {}

    /**
     * Something else is registered by now than whoever registers had seen; nothing was changed there.
     *
     * @param database its configured name
     * @param detail what is registered
     */
    public record Overtaken(String database, String detail) implements Answer {}

    /** What became of an unregistration. */
    public enum Unregistered {
        /** It is not registered any more. */
        DONE,
        /** It was not registered. */
        UNKNOWN,
        /** Its run is not finished. */
        UNFINISHED
    }

    private static final String ELSEWHERE = "a job of this name is registered in database ";
    private static final JobStore.Registered NOTHING_YET = new JobStore.Registered(0, false);

    private final Sites sites;
    private final BiConsumer<Dispatcher, String> changed;

    /**
     * Over a daemon's databases.
     *
     * @param sites the databases
     * @param changed told the database and the name of a job whose registration has changed
     */
    public Registrar(Sites sites, BiConsumer<Dispatcher, String> changed) {
        this.sites = sites;
        this.changed = changed;
    }

    /**
     * Registers a job in all its databases that answer, after checking it in each. When it does not fit one of them, it is
     * registered in none.
     *
     * @param job the job
     * @param who in whose name, over the admin API
     * @param over the checksum of the content in each database over which alone it may be registered, an empty text for
     *     none; empty for whatever there is
     * @return what became of it, database by database, until one was overtaken; or why it does not fit, once
     */
    public List<Answer> register(LoadedJob job, String who, Optional<Map<String, String>> over) {
        List<Problem> problems = problems(job);
        if (!problems.isEmpty()) {
            return List.of(new NotFit(problems));
        }
        List<Answer> answers = new ArrayList<>();
        for (Dispatcher target : sites.of(job)) {
            Optional<String> seen =
                    over.map(all -> all.getOrDefault(target.site().name(), ""));
            Answer answer = said(target, register(target, job, "api", who, seen));
            answers.add(answer);
            if (answer instanceof Overtaken) {
                return answers;
            }
        }
        return answers;
    }

    private List<Problem> problems(LoadedJob job) {
        List<Problem> problems = new ArrayList<>(sites.missing(job));
        List<Dispatcher> targets = sites.of(job);
        for (Dispatcher target :
                targets.size() > 1 ? targets : List.<Dispatcher>of()) { // one is checked where it is registered
            if (said(target, inDatabase(target, job, () -> check(target.site(), job))) instanceof NotFit unfit) {
                problems.addAll(unfit.problems());
            }
        }
        return problems;
    }

    /** With the database of each problem, where there are several. */
    private Answer said(Dispatcher target, Answer answer) {
        if (!(answer instanceof NotFit unfit) || sites.all().size() == 1) {
            return answer;
        }
        String where = "in " + target.site().name() + ": ";
        return new NotFit(unfit.problems().stream()
                .map(problem -> problem.message().startsWith(ELSEWHERE) ? problem : problem.behind(where))
                .toList());
    }

    /**
     * Registers a job in one of its databases, after checking it there.
     *
     * @param target the database
     * @param job the job
     * @param origin from where it came: {@code file} or {@code api}
     * @param who in whose name
     * @return what became of it
     */
    public Answer register(Dispatcher target, LoadedJob job, String origin, String who) {
        return register(target, job, origin, who, Optional.empty());
    }

    private Answer register(Dispatcher target, LoadedJob job, String origin, String who, Optional<String> over) {
        return inDatabase(target, job, () -> {
            Site site = target.site();
            Answer checked = check(site, job);
            if (!(checked instanceof Registered fit)) {
                return checked;
            }
            JobStore.Registered registered = site.jobs().register(job, origin, who, over);
            if (registered.changed()) {
                changed.accept(target, job.definition().name());
            }
            return new Registered(site.name(), registered, fit.warnings());
        });
    }

    /** What is asked of a database, which may be away or go away. */
    private interface Step {
        Answer take() throws SQLException;
    }

    private static Answer inDatabase(Dispatcher target, LoadedJob job, Step step) {
        if (target.standing().status() != Status.READY) {
            return new NotNow(target.site().name(), target.standing().detail());
        }
        try {
            return step.take();
        } catch (OvertakenException e) {
            return new Overtaken(target.site().name(), String.valueOf(e.getMessage()));
        } catch (CycleException e) {
            return new NotFit(List.of(job.problem("/depends-on", String.valueOf(e.getMessage()), "")));
        } catch (SQLException | RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            return new NotNow(target.site().name(), why(e));
        }
    }

    /** Whether a job can be registered, as it would be answered; nothing is changed. */
    private Answer check(Site site, LoadedJob job) throws SQLException {
        List<String> elsewhere = elsewhere(job);
        if (!elsewhere.isEmpty()) {
            String hint = "unregister it there, DELETE /api/v1/jobs/%s?database=%s, or name this one anew"
                    .formatted(job.definition().name(), elsewhere.get(0));
            return new NotFit(List.of(job.problem("/job", ELSEWHERE + String.join(", ", elsewhere), hint)));
        }
        Optional<String> circle = site.jobs().dependencies().circle(job.definition());
        if (circle.isPresent()) {
            return new NotFit(List.of(job.problem("/depends-on", Dependencies.WAITING + circle.get(), "")));
        }
        Result result = site.check(job);
        if (result instanceof Refused refused) {
            return new NotFit(refused.problems());
        }
        List<String> warnings = new ArrayList<>(((Accepted) result).warnings());
        site.jobs().dependencies().unknown(job.definition()).forEach(warnings::add);
        return new Registered(site.name(), NOTHING_YET, warnings);
    }

    private static String why(Exception e) {
        boolean locked = SqlStates.state(e)
                .map(SqlStates::classify)
                .filter(error -> error == ErrorClass.LOCK)
                .isPresent();
        return (locked ? "somebody holds a lock on the job's table: " : "") + SqlStates.message(e);
    }

    /** Databases that answer, are not the job's, and in which a job of this name is registered. */
    private List<String> elsewhere(LoadedJob job) {
        List<Dispatcher> targets = sites.of(job);
        return sites.all().stream()
                .filter(d -> d.standing().status() == Status.READY && !targets.contains(d))
                .map(Dispatcher::site)
                .filter(site -> isRegistered(site, job.definition().name()))
                .map(Site::name)
                .toList();
    }

    /** A database that does not answer keeps nobody from registering in another. */
    private static boolean isRegistered(Site site, String job) {
        try {
            return site.jobs().entry(job).filter(JobStore.Entry::active).isPresent();
        } catch (RuntimeException e) {
            SqlStates.requireFromDatabase(e);
            return false;
        }
    }

    /**
     * Unregisters a job: no run of it begins by itself any more.
     *
     * @param dispatcher the job's database
     * @param job its name
     * @param cause by whom and why
     * @return what became of it
     */
    public Unregistered unregister(Dispatcher dispatcher, String job, Cause cause) {
        Optional<JobView> view = dispatcher.site().board().job(job);
        if (view.isEmpty()) {
            return Unregistered.UNKNOWN;
        }
        Optional<RunState> state = view.get().run().map(run -> run.status().state());
        if (state.filter(RunState::isUnfinished).isPresent()) {
            return Unregistered.UNFINISHED;
        }
        if (!dispatcher.site().jobs().unregister(job, cause.who(), cause.reason())) {
            return Unregistered.UNKNOWN;
        }
        changed.accept(dispatcher, job);
        return Unregistered.DONE;
    }
}
