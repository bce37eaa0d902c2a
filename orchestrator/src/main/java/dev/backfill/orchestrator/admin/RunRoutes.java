package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.admin.Databases.Answers;
import dev.backfill.orchestrator.admin.Door.Needs;
import dev.backfill.orchestrator.control.EventView;
import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.control.RunView;
import dev.backfill.orchestrator.control.SliceView;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.report.Reports;
import dev.backfill.orchestrator.run.Quarantine;
import dev.backfill.orchestrator.run.RunStore;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.stream.Cursor;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Runs, their slices, and the audit log. Reads only. Safe for use by several threads. */
final class RunRoutes {

    private static final Comparator<RunView> LATEST_FIRST =
            Comparator.comparing((RunView run) -> run.times().created()).reversed();

    private final Databases databases;

    RunRoutes(Databases databases) {
        this.databases = databases;
    }

    void addTo(RoutesConfig routes) {
        routes.get("/api/v1/jobs/{job}/runs", this::runs, Needs.VIEWER);
        routes.get("/api/v1/jobs/{job}/proof", this::proof, Needs.VIEWER);
        routes.get("/api/v1/runs/{run}", this::run, Needs.VIEWER);
        routes.get("/api/v1/runs/{run}/slices", this::slices, Needs.VIEWER);
        routes.get("/api/v1/runs/{run}/quarantine", this::quarantine, Needs.VIEWER);
        routes.get("/api/v1/runs/{run}/report", this::report, Needs.VIEWER);
        routes.get("/api/v1/events", this::events, Needs.VIEWER);
    }

    private void runs(Context context) {
        Asked asked = new Asked(context, "after", "limit");
        String job = asked.job();
        int limit = asked.limit();
        Map<String, String> after = runsBefore(asked.text("after"));
        Answers<List<RunView>> answers = databases.askAll(
                site -> site.board().runs(job, Optional.ofNullable(after.get(site.name())), limit + 1));
        Page<RunView> page = Page.of(answers.found(), LATEST_FIRST, limit);
        if (page.items().isEmpty() && after.isEmpty()) {
            databases.job(job);
        }
        page.last().forEach((database, run) -> after.put(database, run.id().run()));
        Optional<String> next =
                page.more() ? Optional.of(String.join(",", new TreeMap<>(after).values())) : Optional.empty();
        Json.of(
                        "runs",
                        page.items().stream()
                                .map(item -> databases.shapes().run(item.value()))
                                .toList())
                .put("next", next)
                .put("away", answers.awayJson())
                .answer(context);
    }

    /** The runs behind which to go on, by their databases. */
    private Map<String, String> runsBefore(Optional<String> cursor) {
        Map<String, String> runs = new HashMap<>();
        for (String run : parts(cursor)) {
            if (!Asked.isRun(run)) {
                throw HttpProblem.badRequest("`after` is not the id of a run");
            }
            runs.put(find(run).id().database(), run);
        }
        return runs;
    }

    private void run(Context context) {
        RunView run = find(new Asked(context).run());
        Dispatcher dispatcher = databases.named(run.id().database());
        Optional<Double> keys = databases.ask(
                dispatcher, site -> site.board().progressByKeys(run.id().run()));
        Optional<Quarantine.Obstacle> obstacle = databases.ask(
                dispatcher, site -> site.quarantine().obstacle(run.id().run()));
        databases
                .shapes()
                .runOfJob(run)
                .put("progress-by-keys", keys.map(Shapes::part))
                .put("failure", obstacle.map(Shapes::obstacle))
                .answer(context);
    }

    private void slices(Context context) {
        Asked asked = new Asked(context, "after", "limit");
        int limit = asked.limit();
        int after = (int)
                Math.min(Integer.MAX_VALUE, Asked.number(asked.text("after").orElse("0")));
        RunView run = find(asked.run());
        Dispatcher dispatcher = databases.named(run.id().database());
        List<SliceView> found =
                databases.ask(dispatcher, site -> site.board().slices(run.id().run(), after, limit + 1));
        List<SliceView> page = found.stream().limit(limit).toList();
        Optional<String> next = found.size() > limit
                ? Optional.of(Integer.toString(page.get(limit - 1).number()))
                : Optional.empty();
        Json.of("slices", page.stream().map(Shapes::slice).toList())
                .put("next", next)
                .answer(context);
    }

    /**
     * What a database knows of the checks of a job.
     *
     * @param job what is registered there
     * @param checks what was found, and what is still being checked
     */
    private record Known(Optional<JobView> job, RunStore.Checks checks) {}

    /** The latest check of the job's range in each database: what a step that relies on it asks. */
    private void proof(Context context) {
        String job = new Asked(context).job();
        Answers<Known> answers = databases.askAll(site -> new Known(site.board().job(job), site.checks(job)));
        Set<String> meant =
                databases
                        .meant(answers.found().values().stream()
                                .flatMap(known -> known.job().stream())
                                .toList())
                        .stream()
                        .map(dispatcher -> dispatcher.site().name())
                        .collect(Collectors.toSet());
        List<Json> proofs = new ArrayList<>();
        List<String> unchecked = new ArrayList<>();
        List<Json> checking = new ArrayList<>();
        new TreeMap<>(answers.found()).forEach((database, known) -> {
            RunStore.Checks checks = known.checks();
            checks.latest().ifPresent(proof -> proofs.add(Shapes.proof(database, proof, checks.newer())));
            if (checks.latest().isEmpty() && (known.job().isPresent() || meant.contains(database))) {
                unchecked.add(database);
            }
            checks.checking()
                    .forEach(run -> checking.add(Json.of("database", database).put("run", run)));
        });
        if (proofs.isEmpty() && unchecked.isEmpty()) {
            databases.job(job);
        }
        Json.of("job", job)
                .put("proofs", proofs)
                .put("unchecked", unchecked)
                .put("checking", checking)
                .put("away", answers.awayJson())
                .answer(context);
    }

    private void quarantine(Context context) {
        Asked asked = new Asked(context, "after", "limit");
        int limit = asked.limit();
        long after = Asked.number(asked.text("after").orElse("0"));
        RunView run = find(asked.run());
        List<Quarantine.Entry> found = databases.ask(
                databases.named(run.id().database()),
                site -> site.quarantine().list(run.id().run(), after, limit + 1));
        Json.of(
                        "quarantine",
                        found.stream().limit(limit).map(Shapes::quarantined).toList())
                .put("next", found.size() > limit ? Optional.of(Long.toString(after + limit)) : Optional.empty())
                .answer(context);
    }

    private void report(Context context) {
        RunView run = find(new Asked(context).run());
        Shapes.report(databases.ask(databases.named(run.id().database()), site -> {
                    LoadedJob job =
                            site.revisions().find(run.id().job(), run.id().revision());
                    return new Reports(site.database())
                            .of(run, job.definition().target().table());
                }))
                .answer(context);
    }

    private RunView find(String run) {
        Answers<Optional<RunView>> answers =
                databases.askAll(site -> site.board().run(run));
        return answers.found().values().stream()
                .flatMap(Optional::stream)
                .findFirst()
                .orElseThrow(() -> Databases.unknown("there is no run of id " + run, answers.away()));
    }

    private void events(Context context) {
        Asked asked = new Asked(context, "job", "after", "limit");
        Optional<String> job = asked.ofJob();
        int limit = asked.limit();
        Map<String, Long> after = new HashMap<>(asked.text("after")
                .map(databases::cursor)
                .map(Cursor::positions)
                .orElse(Map.of()));
        Answers<List<EventView>> answers =
                databases.askAll(site -> site.board().events(job, after.getOrDefault(site.name(), 0L), limit + 1));
        Page<EventView> page = Page.of(answers.found(), Comparator.comparing(EventView::time), limit);
        page.last().forEach((database, event) -> after.put(database, event.id()));
        Json.of(
                        "events",
                        page.items().stream()
                                .map(item -> Shapes.event(item.database(), item.value()))
                                .toList())
                .put("next", page.more() ? Optional.of(new Cursor(after).text()) : Optional.empty())
                .put("away", answers.awayJson())
                .answer(context);
    }

    private static List<String> parts(Optional<String> cursor) {
        return cursor.map(text -> List.of(text.split(",", -1))).orElse(List.of());
    }

    /**
     * A page out of lists of several databases, each in an order of its own, that are told as one.
     *
     * @param items in order
     * @param last the last item taken of each database that any was taken of
     * @param more whether anything was left over
     */
    record Page<T>(List<Item<T>> items, Map<String, T> last, boolean more) {

        /**
         * An item of a page.
         *
         * @param database where it is from
         * @param value what it is
         */
        record Item<T>(String database, T value) {}

        /**
         * Takes always the first by an order among the next of each list.
         *
         * @param lists by the databases' names, each with one item more than fits on the page, if there are that many
         * @param order between lists; within a list its own order stays
         * @param limit how many fit
         */
        static <T> Page<T> of(Map<String, List<T>> lists, Comparator<T> order, int limit) {
            Map<String, Integer> taken = new LinkedHashMap<>();
            List<Item<T>> items = new ArrayList<>();
            Map<String, T> last = new LinkedHashMap<>();
            while (items.size() < limit) {
                Optional<Item<T>> next = lists.entrySet().stream()
                        .filter(list -> taken.getOrDefault(list.getKey(), 0)
                                < list.getValue().size())
                        .map(list ->
                                new Item<>(list.getKey(), list.getValue().get(taken.getOrDefault(list.getKey(), 0))))
                        .min(Comparator.comparing(Item::value, order));
                if (next.isEmpty()) {
                    return new Page<>(items, last, false);
                }
                items.add(next.get());
                taken.merge(next.get().database(), 1, Integer::sum);
                last.put(next.get().database(), next.get().value());
            }
            return new Page<>(
                    items, last, lists.values().stream().mapToInt(List::size).sum() > items.size());
        }
    }
}
