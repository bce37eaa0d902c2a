package dev.backfill.orchestrator.admin;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.replication.Readings.Reading;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.site.Sites;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The databases as requests ask them.
 *
 * @param sites the daemon's databases
 */
record Databases(Sites sites) {

    /**
     * A database that does not answer now.
     *
     * @param database its configured name
     * @param detail why
     */
    record Away(String database, String detail) {

        /** The same in a line. */
        String display() {
            return database + " (" + detail + ")";
        }

        Json json() {
            return Json.of("database", database).put("detail", detail);
        }
    }

    /**
     * What all databases answered.
     *
     * @param found the answers by the databases' names, in their order
     * @param away those that answered nothing
     */
    record Answers<T>(Map<String, T> found, List<Away> away) {

        /** The member {@code away} of a list. */
        List<Json> awayJson() {
            return away.stream().map(Away::json).toList();
        }
    }

    /** Every database. */
    List<Dispatcher> all() {
        return sites.all();
    }

    /** What is read of a database's health. */
    List<Reading> readings(String database) {
        return sites.find(database)
                .map(dispatcher -> dispatcher.site().replication().health().readings())
                .orElse(List.of());
    }

    /** How databases, jobs and runs are shown, with what is read now. */
    Shapes shapes() {
        return new Shapes(this::readings);
    }

    /** Those that do not answer now. */
    List<Away> away() {
        return all().stream().flatMap(d -> away(d).stream()).toList();
    }

    /** Asks every database that answers. */
    <T> Answers<T> askAll(Function<Site, T> question) {
        Map<String, T> found = new LinkedHashMap<>();
        List<Away> away = new ArrayList<>();
        for (Dispatcher dispatcher : all()) {
            Optional<Away> before = away(dispatcher);
            if (before.isPresent()) {
                away.add(before.get());
                continue;
            }
            try {
                found.put(dispatcher.site().name(), question.apply(dispatcher.site()));
            } catch (RuntimeException e) {
                away.add(failed(dispatcher, e));
            }
        }
        return new Answers<>(found, away);
    }

    /**
     * Asks one database.
     *
     * @throws HttpProblem when it does not answer
     */
    <T> T ask(Dispatcher dispatcher, Function<Site, T> question) {
        Optional<Away> before = away(dispatcher);
        if (before.isPresent()) {
            throw unreachable(List.of(before.get()));
        }
        try {
            return question.apply(dispatcher.site());
        } catch (HttpProblem e) {
            throw e;
        } catch (RuntimeException e) {
            throw unreachable(List.of(failed(dispatcher, e)));
        }
    }

    /**
     * A job where it is registered.
     *
     * @param job its name
     * @return one view a database, at least one
     * @throws HttpProblem when no database knows it
     */
    List<JobView> job(String job) {
        Answers<Optional<JobView>> answers = askAll(site -> site.board().job(job));
        List<JobView> views =
                answers.found().values().stream().flatMap(Optional::stream).toList();
        if (views.isEmpty()) {
            throw unknown("no job of name " + job + " is registered", answers.away());
        }
        return views;
    }

    /**
     * The database of this name.
     *
     * @throws HttpProblem when there is none, or it does not answer
     */
    Dispatcher named(String database) {
        Dispatcher dispatcher = sites.find(database)
                .orElseThrow(() -> HttpProblem.notFound("the configuration has no database of this name"));
        away(dispatcher).ifPresent(away -> {
            throw unreachable(List.of(away));
        });
        return dispatcher;
    }

    /** The problem with something that no database knows: one that does not answer might. */
    static HttpProblem unknown(String what, List<Away> away) {
        return away.isEmpty() ? HttpProblem.notFound(what) : HttpProblem.away(what + " in what answers" + but(away));
    }

    private static HttpProblem unreachable(List<Away> away) {
        return HttpProblem.away("the call was not done" + but(away));
    }

    private static String but(List<Away> away) {
        return "; not answering: " + away.stream().map(Away::display).collect(Collectors.joining("; "));
    }

    static Optional<Away> away(Dispatcher dispatcher) {
        Dispatcher.Standing standing = dispatcher.standing();
        return standing.status() == Status.READY
                ? Optional.empty()
                : Optional.of(new Away(dispatcher.site().name(), standing.detail()));
    }

    /** Why a question was not answered; a fault of this program is thrown on. */
    static Away failed(Dispatcher dispatcher, RuntimeException e) {
        SqlStates.requireFromDatabase(e);
        return new Away(dispatcher.site().name(), SqlStates.message(e));
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
