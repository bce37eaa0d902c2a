package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Databases.Acted;
import dev.backfill.orchestrator.admin.Databases.Answers;
import dev.backfill.orchestrator.admin.Databases.Away;
import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.registration.JobStore;
import dev.backfill.orchestrator.registry.JobFiles;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Registrar;
import dev.backfill.orchestrator.site.Registrar.NotFit;
import dev.backfill.orchestrator.site.Registrar.NotNow;
import dev.backfill.orchestrator.site.Registrar.Overtaken;
import dev.backfill.orchestrator.site.Registrar.Registered;
import dev.backfill.orchestrator.site.Registrar.Unregistered;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Jobs: which there are, and which there are to be. Safe for use by several threads. */
final class JobRoutes {

    private static final String JOB = "/api/v1/jobs/{job}";
    private static final String FILE = "request";

    private final Databases databases;
    private final Registrar registrar;
    private final JobFiles files;

    JobRoutes(Databases databases, Registrar registrar, JobFiles files) {
        this.databases = databases;
        this.registrar = registrar;
        this.files = files;
    }

    void addTo(RoutesConfig routes) {
        routes.get("/api/v1/jobs", this::list, Needs.VIEWER);
        routes.get(JOB, this::show, Needs.VIEWER);
        routes.put(JOB, this::register, Needs.ADMIN);
        routes.delete(JOB, this::unregister, Needs.ADMIN);
    }

    private void list(Context context) {
        Asked asked = new Asked(context, "after", "limit");
        int limit = asked.limit();
        Answers<List<JobView>> answers = databases.askAll(site -> site.board().jobs());
        SortedMap<String, List<JobView>> jobs = new TreeMap<>();
        answers.found()
                .values()
                .forEach(views ->
                        views.forEach(view -> jobs.computeIfAbsent(view.job().name(), name -> new ArrayList<>())
                                .add(view)));
        List<List<JobView>> page = jobs.tailMap(asked.text("after").orElse("") + "\0").values().stream()
                .limit(limit)
                .toList();
        Optional<String> next = Optional.of(page)
                .filter(p -> p.size() == limit)
                .map(p -> p.get(limit - 1).get(0).job().name())
                .filter(last -> !last.equals(jobs.lastKey()));
        Json.of("jobs", page.stream().map(databases.shapes()::job).toList())
                .put("next", next)
                .put("away", answers.awayJson())
                .answer(context);
    }

    private void show(Context context) {
        List<JobView> views = databases.job(new Asked(context).job());
        context.header(
                "ETag", tag(views.stream().map(view -> view.job().revision()).toList()));
        databases.shapes().job(views).answer(context);
    }

    /** What tells whether a job is registered as it was: its revision, or those in its databases. */
    private static String tag(List<Integer> revisions) {
        List<Integer> distinct = revisions.stream().distinct().toList();
        return (distinct.size() == 1 ? distinct : revisions)
                .stream().map(String::valueOf).collect(Collectors.joining(".", "\"", "\""));
    }

    /** Over which revision in each database alone the request wants to register; empty when it does not say. */
    private Optional<Map<String, Integer>> condition(Context context, String job) {
        String match = context.header("If-Match");
        String none = context.header("If-None-Match");
        if (match == null && none == null) {
            return Optional.empty();
        }
        SortedMap<String, Integer> now = new TreeMap<>();
        databases
                .askAll(site -> site.jobs().entry(job).filter(JobStore.Entry::active))
                .found()
                .forEach((database, entry) ->
                        now.put(database, entry.map(JobStore.Entry::revision).orElse(0)));
        List<Integer> there =
                now.values().stream().filter(revision -> revision > 0).toList();
        String is = there.isEmpty() ? "it is not registered" : "its ETag is " + tag(there);
        if (none != null && !none.strip().equals("*")) {
            throw HttpProblem.badRequest("If-None-Match can be * only, for a job that is not registered yet");
        } else if (none != null && !there.isEmpty()) {
            throw HttpProblem.overtaken("the job is registered: " + is);
        } else if (match != null && (there.isEmpty() || !Set.of("*", tag(there)).contains(match.strip()))) {
            throw HttpProblem.overtaken("the job is not as it was: " + is + "; look at it again");
        }
        return Optional.of(now);
    }

    private void register(Context context) throws IOException {
        LoadedJob job = read(context.pathParam("job"), new Asked(context).body());
        boolean known = isRegistered(job);
        Optional<Map<String, Integer>> over =
                condition(context, job.definition().name());
        List<Registrar.Answer> answers = registrar.register(job, Door.who(context), over);
        List<Registered> done = only(Registered.class, answers);
        List<Away> away = only(NotNow.class, answers).stream()
                .map(notNow -> new Away(notNow.database(), notNow.detail()))
                .toList();
        only(NotFit.class, answers).forEach(notFit -> {
            throw HttpProblem.unfit(notFit.problems());
        });
        List<Overtaken> overtaken = only(Overtaken.class, answers);
        if (!overtaken.isEmpty()) {
            throw HttpProblem.overtaken(overtaken.stream()
                            .map(each -> "in " + each.database() + " " + each.detail())
                            .collect(Collectors.joining("; "))
                    + "; look at the job again");
        }
        if (done.isEmpty()) {
            throw HttpProblem.away("nothing was registered; what cannot check the job now: " + Away.display(away));
        }
        context.status(known ? 200 : 201);
        databases
                .shapes()
                .job(databases.job(job.definition().name()))
                .put("changed", done.stream().anyMatch(each -> each.registered().changed()))
                .put(
                        "warnings",
                        done.stream()
                                .flatMap(each -> each.warnings().stream())
                                .distinct()
                                .toList())
                .put("away", away.stream().map(Away::json).toList())
                .answer(context);
    }

    private static <T> List<T> only(Class<T> kind, List<Registrar.Answer> answers) {
        return answers.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private LoadedJob read(String name, byte[] body) {
        JobFiles.Content content = files.read(FILE, body);
        if (!content.problems().isEmpty()) {
            throw HttpProblem.unfit(content.problems());
        }
        LoadedJob job = content.jobs().get(0);
        if (content.jobs().size() > 1) {
            String message = "a request registers one job, and here are "
                    + content.jobs().size();
            throw HttpProblem.unfit(
                    List.of(content.jobs().get(1).problem("/job", message, "make a request of each document")));
        }
        if (!job.definition().name().equals(name)) {
            String message = "the path names another job than the document, "
                    + job.definition().name();
            throw HttpProblem.unfit(List.of(job.problem("/job", message, "name the same in both")));
        }
        return job;
    }

    /** In any of the databases that answer. */
    private boolean isRegistered(LoadedJob job) {
        String name = job.definition().name();
        return databases
                .askAll(site -> site.jobs().entry(name).filter(JobStore.Entry::active))
                .found()
                .values()
                .stream()
                .anyMatch(Optional::isPresent);
    }

    private void unregister(Context context) throws IOException {
        Asked asked = new Asked(context, "database");
        String job = asked.job();
        Cause cause = asked.cause();
        Optional<String> database = asked.text("database");
        databases.act(job, database, (dispatcher, view) -> {
            requireEnded(view);
            return view;
        });
        Acted<Unregistered> acted =
                databases.act(job, database, (dispatcher, view) -> unregister(dispatcher, job, cause));
        acted.requireAll("unregistered", List.copyOf(acted.answers().found().keySet()), Json.empty());
        context.status(204);
    }

    private Unregistered unregister(Dispatcher dispatcher, String job, Cause cause) {
        Unregistered done = registrar.unregister(dispatcher, job, cause);
        if (done == Unregistered.UNKNOWN) {
            throw HttpProblem.notFound("no job of name " + job + " is registered");
        } else if (done == Unregistered.UNFINISHED) {
            databases.job(job).forEach(JobRoutes::requireEnded);
        }
        return done;
    }

    private static void requireEnded(JobView view) {
        Optional<RunState> state = view.run().map(run -> run.status().state()).filter(RunState::isUnfinished);
        if (state.isPresent()) {
            String detail = "the run is " + state.get() + "; cancel it first";
            throw HttpProblem.notAllowed(view.database(), state, detail);
        }
    }
}
