package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.control.Cause;
import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.standbys.StandbyName;
import dev.backfill.orchestrator.stream.Cursor;
import dev.backfill.orchestrator.stream.Live;
import dev.backfill.orchestrator.stream.Wording;
import dev.backfill.orchestrator.throttle.Pace;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The databases: how they stand, what is read of their health, what that does to runs; and the stream of what changes in all
 * of them. Safe for use by several threads.
 */
final class DatabaseRoutes {

    private final Databases databases;
    private final Live live;

    DatabaseRoutes(Databases databases, Live live) {
        this.databases = databases;
        this.live = live;
    }

    /**
     * What the stream says: what the other calls answer.
     *
     * @param databases the daemon's databases
     */
    record Words(Databases databases) implements Wording {

        @Override
        public String job(List<JobView> views) {
            return databases.shapes().job(views).text();
        }

        @Override
        public String database(Dispatcher dispatcher, Optional<List<StandbyName>> standbys) {
            return DatabaseRoutes.database(dispatcher, standbys).text();
        }

        @Override
        public String event(String database, EventView event) {
            return Shapes.event(database, event).text();
        }
    }

    void addTo(RoutesConfig routes) {
        routes.get("/api/v1/databases", this::list, Needs.VIEWER);
        routes.get("/api/v1/stream", this::stream, Needs.VIEWER);
        routes.delete("/api/v1/databases/{database}/standbys/{name}", this::forget, Needs.OPERATOR);
    }

    private void list(Context context) {
        new Asked(context);
        Map<String, List<StandbyName>> expected =
                databases.askAll(site -> site.replication().standbys().all()).found();
        List<Json> all = new ArrayList<>();
        for (Dispatcher dispatcher : databases.all()) {
            Optional<List<StandbyName>> seen =
                    Optional.ofNullable(expected.get(dispatcher.site().name()));
            all.add(database(dispatcher, seen));
        }
        Json.of("databases", all).put("next", Optional.empty()).answer(context);
    }

    private static Json database(Dispatcher dispatcher, Optional<List<StandbyName>> seen) {
        Site site = dispatcher.site();
        Map<String, Pace> paces = site.everything().paces();
        List<String> configured = site.replication().limits().expected();
        Optional<List<Json>> standbys = configured.isEmpty()
                ? seen.map(names -> names.stream()
                        .map(name -> standby(name.name(), Optional.of(name.address())))
                        .toList())
                : Optional.of(configured.stream()
                        .map(name -> standby(name, Optional.empty()))
                        .toList());
        return Json.of("database", site.name())
                .put("status", dispatcher.standing().status().name().toLowerCase(Locale.ROOT))
                .put("detail", dispatcher.standing().detail())
                .put(
                        "pace",
                        paces.values().stream().mapToDouble(Pace::ratio).min().orElse(1))
                .put(
                        "governors",
                        paces.entrySet().stream()
                                .map(governor -> Shapes.governor(governor.getKey(), governor.getValue()))
                                .toList())
                .put(
                        "signals",
                        site.signals(Optional.empty()).stream()
                                .flatMap(Shapes::readings)
                                .toList())
                .put("standbys", standbys);
    }

    /** Who comes back says by a header where it was; its address is still that of the first time. */
    private void stream(Context context) {
        Asked asked = new Asked(context, "job", "after");
        Optional<Cursor> after = Optional.ofNullable(context.header("Last-Event-ID"))
                .or(() -> asked.text("after"))
                .map(databases::cursor);
        if (!live.serve(context, asked.ofJob(), after)) {
            throw HttpProblem.busy("there are as many streams as this daemon serves; end one, or try again later");
        }
    }

    private static Json standby(String name, Optional<String> address) {
        return Json.of("name", name).put("address", address.filter(text -> !text.isEmpty()));
    }

    private void forget(Context context) throws IOException {
        Asked asked = new Asked(context);
        String name = context.pathParam("name");
        Cause cause = asked.cause();
        Dispatcher dispatcher = databases.named(context.pathParam("database"));
        if (!dispatcher.site().replication().limits().expected().isEmpty()) {
            throw HttpProblem.notFound(
                    "no standby is expected because it was seen: the configuration names those that are,"
                            + " in `standbys`");
        }
        if (!databases.ask(dispatcher, site -> site.forgetStandby(name, cause))) {
            throw HttpProblem.notFound("no standby of this name is expected");
        }
        dispatcher.site().replication().wake();
        context.status(204);
    }
}
