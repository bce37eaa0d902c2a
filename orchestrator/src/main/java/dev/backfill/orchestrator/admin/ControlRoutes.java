package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Databases.Away;
import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunControl;
import dev.backfill.orchestrator.control.RunControl.NotAllowed;
import dev.backfill.orchestrator.control.Verb;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.StopGovernor;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What people want of runs: the verbs of a job, and the stop for everything. Safe for use by several threads. */
final class ControlRoutes {

    private final Databases databases;

    ControlRoutes(Databases databases) {
        this.databases = databases;
    }

    void addTo(RoutesConfig routes) {
        for (Verb verb : Verb.values()) {
            routes.post("/api/v1/jobs/{job}/" + verb.word(), context -> act(verb, context));
        }
        routes.post("/api/v1/pause", context -> stopEverything(true, context));
        routes.post("/api/v1/resume", context -> stopEverything(false, context));
    }

    private void act(Verb verb, Context context) throws IOException {
        Asked asked = new Asked(context, "database");
        String job = asked.job();
        Cause cause = asked.cause();
        List<HttpProblem> refused = new ArrayList<>();
        for (Dispatcher dispatcher : where(job, asked.text("database"))) {
            RunControl.Answer answer =
                    databases.ask(dispatcher, site -> site.control().act(verb, job, cause));
            if (answer instanceof NotAllowed not) {
                refused.add(HttpProblem.notAllowed(dispatcher.site().name(), not.state(), not.detail()));
            } else {
                dispatcher.wake();
            }
        }
        if (!refused.isEmpty()) {
            throw refused.get(0);
        }
        databases.shapes().job(databases.job(job)).answer(context);
    }

    private List<Dispatcher> where(String job, Optional<String> database) {
        if (database.isPresent()) {
            Dispatcher dispatcher = databases.named(database.get());
            if (databases.ask(dispatcher, site -> site.jobs().find(job)).isEmpty()) {
                throw HttpProblem.notFound("no job of name " + job + " is registered in this database");
            }
            return List.of(dispatcher);
        }
        return databases.job(job).stream()
                .map(JobView::database)
                .map(databases::named)
                .toList();
    }

    private void stopEverything(boolean stop, Context context) throws IOException {
        Cause cause = new Asked(context).cause();
        List<Json> standings = new ArrayList<>();
        List<Away> away = new ArrayList<>();
        boolean anyStopped = false;
        for (Dispatcher dispatcher : databases.all()) {
            Optional<Away> failure = write(dispatcher, stop, cause);
            failure.ifPresent(away::add);
            Pace pace = dispatcher.site().everything().paces().getOrDefault(StopGovernor.NAME, Pace.FULL);
            anyStopped |= pace.isHold();
            Optional<String> why =
                    failure.map(Away::detail).or(() -> pace.reason().map(Pace.Reason::detail));
            standings.add(Json.of("database", dispatcher.site().name())
                    .put("stopped", failure.isPresent() ? Optional.empty() : pace.isHold())
                    .put("detail", why.orElse("")));
        }
        Json answer = Json.of("stopped", anyStopped).put("databases", standings);
        if (!away.isEmpty()) {
            String names = away.stream().map(Away::display).collect(Collectors.joining("; "));
            throw HttpProblem.away("not written in " + names + "; written in every other database", answer);
        }
        answer.answer(context);
    }

    private static Optional<Away> write(Dispatcher dispatcher, boolean stop, Cause cause) {
        Optional<Away> before = Databases.away(dispatcher);
        if (before.isPresent()) {
            return before;
        }
        try {
            dispatcher.site().stopEverything(stop, cause);
            dispatcher.wake();
            return Optional.empty();
        } catch (RuntimeException e) {
            return Optional.of(Databases.failed(dispatcher, e));
        }
    }
}
