package dev.backfill.orchestrator.admin;

import static java.nio.charset.StandardCharsets.UTF_8;

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
import java.util.UUID;
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
        String job = new Asked(context).job();
        Registration registration = registration(job);
        registration.tag().ifPresent(tag -> context.header("ETag", tag));
        databases.shapes().job(databases.job(job)).answer(context);
    }

    /**
     * What is registered of a job.
     *
     * @param checksums of its content in each database that answers; an empty text where there is none
     * @param away the databases that do not
     */
    private record Registration(SortedMap<String, String> checksums, List<Away> away) {

        /** Whether it is registered anywhere. */
        boolean isThere() {
            return checksums.values().stream().anyMatch(checksum -> !checksum.isEmpty());
        }

        /** What tells whether it is still registered as it was; empty while that is not known, and when it is not registered. */
        Optional<String> tag() {
            return isThere() && away.isEmpty()
                    ? Optional.of('"'
                            + UUID.nameUUIDFromBytes(checksums.toString().getBytes(UTF_8))
                                    .toString()
                            + '"')
                    : Optional.empty();
        }
    }

    private Registration registration(String job) {
        Answers<Optional<JobStore.Entry>> answers =
                databases.askAll(site -> site.jobs().entry(job).filter(JobStore.Entry::active));
        SortedMap<String, String> checksums = new TreeMap<>();
        answers.found()
                .forEach((database, entry) -> checksums.put(
                        database, entry.map(JobStore.Entry::checksum).orElse("")));
        return new Registration(checksums, answers.away());
    }

    /** What alone the request wants to change, by the databases; empty when it does not say. */
    private Optional<Map<String, String>> condition(Context context, String job) {
        String match = context.header("If-Match");
        String none = context.header("If-None-Match");
        if (match == null && none == null) {
            return Optional.empty();
        } else if (none != null && !none.strip().equals("*")) {
            throw HttpProblem.badRequest("If-None-Match can be * only, for a job that is not registered yet");
        }
        Registration now = registration(job);
        if (!now.away().isEmpty()) {
            throw HttpProblem.away("how the job is registered is not known: " + Away.display(now.away()));
        } else if (none != null && now.isThere()) {
            throw HttpProblem.overtaken(
                    "the job is registered; its ETag is " + now.tag().orElse(""));
        } else if (match != null
                && !now.tag()
                        .filter(tag -> Set.of("*", tag).contains(match.strip()))
                        .isPresent()) {
            throw HttpProblem.overtaken("the job is not as it was: "
                    + now.tag().map(tag -> "its ETag is " + tag).orElse("it is not registered") + "; look at it again");
        }
        return Optional.of(now.checksums());
    }

    private void register(Context context) throws IOException {
        LoadedJob job = read(context.pathParam("job"), new Asked(context).body());
        boolean known = isRegistered(job);
        Optional<Map<String, String>> over = condition(context, job.definition().name());
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
            String before = done.stream().map(Registered::database).collect(Collectors.joining(", "));
            throw HttpProblem.overtaken("in " + overtaken.get(0).database() + " "
                    + overtaken.get(0).detail()
                    + (before.isEmpty() ? "; nothing was changed" : "; it was registered in " + before + " before")
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
        condition(context, job);
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
