package dev.backfill.orchestrator.admin;

import static java.util.Objects.requireNonNull;

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
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
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

        /** Several in a line. */
        static String display(List<Away> away) {
            return away.stream().map(Away::display).collect(Collectors.joining("; "));
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

        /**
         * Requires that something was done everywhere.
         *
         * @param done what was done, as a participle
         * @param more what else the caller is told
         * @throws HttpProblem that names the databases where it was not
         */
        void requireAll(String done, Json more) {
            if (!away.isEmpty()) {
                String others = found.isEmpty() ? "no other" : String.join(", ", found.keySet());
                String detail = "not " + done + " in " + Away.display(away) + "; " + done + " in " + others
                        + ". Call again once the rest answers: what is done stays as it is";
                throw HttpProblem.away(detail, more);
            }
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
        return askAll(all(), dispatcher -> question.apply(dispatcher.site()));
    }

    private static <T> Answers<T> askAll(List<Dispatcher> dispatchers, Function<Dispatcher, T> question) {
        Map<String, T> found = new LinkedHashMap<>();
        List<Away> away = new ArrayList<>();
        for (Dispatcher dispatcher : dispatchers) {
            Optional<Away> before = away(dispatcher);
            if (before.isPresent()) {
                away.add(before.get());
                continue;
            }
            try {
                found.put(dispatcher.site().name(), question.apply(dispatcher));
            } catch (HttpProblem e) {
                throw e;
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
     * Does something about a job where it is registered.
     *
     * @param job its name
     * @param database where, when the caller says so; in all the job's databases otherwise
     * @param what done in each
     * @return what came of it, and the databases that the job is for too, and that do not answer
     * @throws HttpProblem when no such job is registered there, or none of its databases answers
     */
    <T> Answers<T> act(String job, Optional<String> database, BiFunction<Dispatcher, JobView, T> what) {
        List<JobView> views = database.isPresent() ? List.of(job(job, database.get())) : job(job);
        Set<String> names = views.stream().map(JobView::database).collect(Collectors.toSet());
        Map<String, JobView> byName = views.stream().collect(Collectors.toMap(JobView::database, view -> view));
        Answers<T> answers = askAll(
                all().stream().filter(d -> names.contains(d.site().name())).toList(),
                dispatcher -> what.apply(
                        dispatcher, requireNonNull(byName.get(dispatcher.site().name()))));
        Predicate<Away> isOfJob = away -> views.stream()
                .anyMatch(view -> view.job().job().definition().target().names(away.database()));
        List<Away> away = new ArrayList<>(answers.away());
        if (database.isEmpty()) {
            away().stream()
                    .filter(each -> !names.contains(each.database()))
                    .filter(isOfJob)
                    .forEach(away::add);
        }
        return new Answers<>(answers.found(), away);
    }

    private JobView job(String job, String database) {
        return ask(named(database), site -> site.board().job(job))
                .orElseThrow(() -> HttpProblem.notFound("no job of name " + job + " is registered in this database"));
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
        return "; not answering: " + Away.display(away);
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
