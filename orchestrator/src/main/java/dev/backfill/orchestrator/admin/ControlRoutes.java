package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Databases.Answers;
import dev.backfill.orchestrator.admin.Databases.Away;
import dev.backfill.orchestrator.control.Cause;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
        Answers<RunControl.Answer> answers = databases.act(job, asked.text("database"), (dispatcher, view) -> {
            RunControl.Answer answer = dispatcher.site().control().act(verb, job, cause);
            dispatcher.wake();
            return answer;
        });
        Map<String, NotAllowed> refused = new LinkedHashMap<>();
        answers.found().forEach((database, answer) -> {
            if (answer instanceof NotAllowed not) {
                refused.put(database, not);
            }
        });
        if (!refused.isEmpty() && refused.size() == answers.found().size()) {
            Map.Entry<String, NotAllowed> first = refused.entrySet().iterator().next();
            throw HttpProblem.notAllowed(
                    first.getKey(), first.getValue().state(), first.getValue().detail());
        }
        List<Json> others = refused.entrySet().stream()
                .map(not -> Json.of("database", not.getKey())
                        .put("state", not.getValue().state())
                        .put("detail", not.getValue().detail()))
                .toList();
        Json answer = databases.shapes().job(databases.job(job)).put("refused", others);
        answers.requireAll("done", answer);
        answer.answer(context);
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
            throw HttpProblem.away(
                    "not written in " + Away.display(away) + "; written in every other database", answer);
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
