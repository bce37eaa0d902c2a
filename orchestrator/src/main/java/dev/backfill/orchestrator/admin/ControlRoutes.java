package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Databases.Acted;
import dev.backfill.orchestrator.admin.Databases.Away;
import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.RunControl;
import dev.backfill.orchestrator.control.RunControl.NotAllowed;
import dev.backfill.orchestrator.control.Verb;
import dev.backfill.orchestrator.run.Run;
import dev.backfill.orchestrator.run.RunState;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.throttle.Pace;
import dev.backfill.orchestrator.throttle.StopGovernor;
import dev.backfill.orchestrator.tuning.Tuner;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What people want of runs: the verbs of a job, and the stop for everything. Safe for use by several threads. */
final class ControlRoutes {

    private static final String NOT_REGISTERED =
            "the job is not registered here, though it names this database; register it again";

    private final Databases databases;

    ControlRoutes(Databases databases) {
        this.databases = databases;
    }

    void addTo(RoutesConfig routes) {
        for (Verb verb : Verb.values()) {
            routes.post("/api/v1/jobs/{job}/" + verb.word(), context -> act(verb, context), Needs.OPERATOR);
        }
        routes.patch("/api/v1/jobs/{job}/tuning", this::tune, Needs.OPERATOR);
        routes.post("/api/v1/pause", context -> stopEverything(true, context), Needs.OPERATOR);
        routes.post("/api/v1/resume", context -> stopEverything(false, context), Needs.OPERATOR);
    }

    private void act(Verb verb, Context context) throws IOException {
        Asked asked = new Asked(context, "database");
        String job = asked.job();
        Cause cause = asked.cause();
        Acted<RunControl.Answer> acted = databases.act(job, asked.text("database"), (dispatcher, view) -> {
            RunControl.Answer answer = dispatcher.site().control().act(verb, job, cause);
            dispatcher.wake();
            return answer;
        });
        Outcome outcome = new Outcome();
        acted.answers().found().forEach((database, answer) -> {
            if (answer instanceof NotAllowed not) {
                outcome.notAllowed(database, not.state(), not.detail());
            } else {
                outcome.done.add(database);
            }
        });
        answer(context, acted, outcome);
    }

    private void tune(Context context) throws IOException {
        Asked asked = new Asked(context, "database");
        String job = asked.job();
        String change = new String(asked.body(), StandardCharsets.UTF_8);
        String who = Door.who(context);
        Acted<Tuner.Answer> acted = databases.act(
                job,
                asked.text("database"),
                (dispatcher, view) -> dispatcher.site().tuner().tune(job, change, who));
        Outcome outcome = new Outcome();
        acted.answers().found().forEach((database, answer) -> {
            if (answer instanceof Tuner.Wrong wrong) {
                String detail = String.join("; ", wrong.problems());
                outcome.refuse(
                        database,
                        Optional.empty(),
                        detail,
                        HttpProblem.badRequest(detail + "; nothing was changed in " + database));
            } else if (answer instanceof Tuner.NoRun none) {
                String detail = "there is no run under way; change the job file for the next one";
                outcome.notAllowed(database, none.latest().map(Run::state), detail);
            } else {
                outcome.done.add(database);
            }
        });
        answer(context, acted, outcome);
    }

    /** What came of something in each of a job's databases. */
    private static final class Outcome {
        private final List<String> done = new ArrayList<>();
        private final List<Json> refused = new ArrayList<>();
        private final List<HttpProblem> problems = new ArrayList<>();

        void notAllowed(String database, Optional<RunState> state, String detail) {
            refuse(database, state, detail, HttpProblem.notAllowed(database, state, detail));
        }

        void refuse(String database, Optional<RunState> state, String detail, HttpProblem problem) {
            refused.add(refused(database, state, detail));
            problems.add(problem);
        }
    }

    private void answer(Context context, Acted<?> acted, Outcome outcome) {
        acted.missing().forEach(database -> outcome.refused.add(refused(database, Optional.empty(), NOT_REGISTERED)));
        acted.requireAll("done", outcome.done, Json.of("refused", outcome.refused));
        if (outcome.done.isEmpty()) {
            throw outcome.problems.get(0);
        }
        String job = new Asked(context, "database").job();
        databases
                .shapes()
                .job(databases.job(job))
                .put("refused", outcome.refused)
                .answer(context);
    }

    private static Json refused(String database, Optional<RunState> state, String detail) {
        return Json.of("database", database).put("state", state).put("detail", detail);
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
