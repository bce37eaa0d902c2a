package dev.backfill.orchestrator.site;

import dev.backfill.api.JobTarget;
import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.util.List;
import java.util.Optional;

/**
 * The databases of a daemon.
 *
 * @param all in the order of their names
 */
public record Sites(List<Dispatcher> all) {

    /** Copies the list. */
    public Sites {
        all = List.copyOf(all);
    }

    /**
     * A database by its name.
     *
     * @param database its configured name
     * @return empty when there is none of that name
     */
    public Optional<Dispatcher> find(String database) {
        return all.stream().filter(d -> d.site().name().equals(database)).findFirst();
    }

    /**
     * The databases that a job is for.
     *
     * @param job the job; it may leave the name out when there is only one
     * @return in the order of their names; empty when there is none of that name, or the job does not say which
     */
    public List<Dispatcher> of(LoadedJob job) {
        JobTarget target = job.definition().target();
        if (target.databases().isEmpty()) {
            return all.size() == 1 ? all : List.of();
        }
        return all.stream().filter(d -> target.names(d.site().name())).toList();
    }

    /**
     * What is wrong with the databases that a job names.
     *
     * @param job a job
     * @return a problem for each name and each pattern that means none of these; and one when the job must say which
     */
    public List<Problem> missing(LoadedJob job) {
        List<String> names = all.stream().map(d -> d.site().name()).toList();
        String hint = names.isEmpty() ? "" : "one of " + String.join(", ", names);
        List<String> wanted = job.definition().target().databases();
        if (wanted.isEmpty() && all.size() != 1) {
            String message = "the configuration has " + all.size() + " databases, and the job does not say which";
            return List.of(job.problem("/database", message, hint));
        }
        return wanted.stream()
                .filter(name -> names.stream().noneMatch(each -> JobTarget.matches(name, each)))
                .map(name -> job.problem("/database", "the configuration has no database " + name, hint))
                .toList();
    }
}
