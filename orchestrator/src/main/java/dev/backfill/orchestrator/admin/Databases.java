package dev.backfill.orchestrator.admin;

import static java.util.Objects.requireNonNull;

import dev.backfill.orchestrator.control.JobView;
import dev.backfill.orchestrator.db.SqlStates;
import dev.backfill.orchestrator.site.Dispatcher;
import dev.backfill.orchestrator.site.Dispatcher.Status;
import dev.backfill.orchestrator.site.Site;
import dev.backfill.orchestrator.site.Sites;
import dev.backfill.orchestrator.stream.Cursor;
import dev.backfill.orchestrator.throttle.SignalState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
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
    }

    /**
     * What came of something about a job.
     *
     * @param answers of the databases where it is registered; and those that it is for too, and that do not answer
     * @param missing the databases that it is for too, and where it is not registered
     */
    record Acted<T>(Answers<T> answers, List<String> missing) {

        /**
         * Requires that every database of the job has answered.
         *
         * @param what what was asked for, as a participle
         * @param done where it was done
         * @param more what else the caller is told
         * @throws HttpProblem that names the databases where it was not
         */
        void requireAll(String what, List<String> done, Json more) {
            if (!answers.away().isEmpty()) {
                String others = done.isEmpty() ? "nowhere else" : "in " + String.join(", ", done);
                String detail = "not " + what + " in " + Away.display(answers.away()) + "; " + what + " " + others
                        + ". Call again with ?database=" + answers.away().get(0).database() + " once that answers";
                throw HttpProblem.away(detail, more);
            }
        }
    }

    /** Every database. */
    List<Dispatcher> all() {
        return sites.all();
    }

    /**
     * The events behind which to go on.
     *
     * @throws HttpProblem when the text is none that was given for that
     */
    Cursor cursor(String text) {
        try {
            return Cursor.parse(text, name -> sites.find(name).isPresent());
        } catch (IllegalArgumentException e) {
            throw HttpProblem.badRequest(String.valueOf(e.getMessage()));
        }
    }

    /** What is read of a database's health. */
    List<SignalState> signals(String database, String job) {
        return sites.find(database)
                .map(dispatcher -> dispatcher.site().signals(Optional.of(job)))
                .orElse(List.of());
    }

    /** How databases, jobs and runs are shown, with what is read now. */
    Shapes shapes() {
        return new Shapes(this::signals);
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
     * @return what came of it
     * @throws HttpProblem when no such job is registered there, or none of its databases answers
     */
    <T> Acted<T> act(String job, Optional<String> database, BiFunction<Dispatcher, JobView, T> what) {
        List<JobView> views = database.isPresent() ? List.of(job(job, database.get())) : job(job);
        Set<String> names = views.stream().map(JobView::database).collect(Collectors.toSet());
        Map<String, JobView> byName = views.stream().collect(Collectors.toMap(JobView::database, view -> view));
        Answers<T> answers = askAll(
                all().stream().filter(d -> names.contains(d.site().name())).toList(),
                dispatcher -> what.apply(
                        dispatcher, requireNonNull(byName.get(dispatcher.site().name()))));
        List<Away> away = new ArrayList<>(answers.away());
        List<String> missing = new ArrayList<>();
        for (Dispatcher other : database.isPresent() ? List.<Dispatcher>of() : meant(views)) {
            if (!names.contains(other.site().name())) {
                away(other)
                        .ifPresentOrElse(
                                away::add, () -> missing.add(other.site().name()));
            }
        }
        return new Acted<>(new Answers<>(answers.found(), away), missing);
    }

    /** The databases that a job is for, by what is registered of it anywhere. */
    List<Dispatcher> meant(Collection<JobView> views) {
        return all().stream()
                .filter(dispatcher -> views.stream()
                        .anyMatch(view -> view.job()
                                .job()
                                .definition()
                                .target()
                                .names(dispatcher.site().name())))
                .toList();
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
}
