package dev.backfill.orchestrator.site;

import dev.backfill.orchestrator.registry.LoadedJob;
import dev.backfill.orchestrator.registry.Problem;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

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
     * The database that a job is for.
     *
     * @param job the job; it may leave the name out when there is only one
     * @return empty when there is none of that name, or the job does not say which
     */
    public Optional<Dispatcher> of(LoadedJob job) {
        Optional<String> name = job.definition().target().database();
        return name.isPresent()
                ? find(name.get())
                : Optional.of(all).filter(a -> a.size() == 1).map(a -> a.get(0));
    }

    /**
     * What is wrong with the database that a job names.
     *
     * @param job a job that is for none of these
     * @return the problem at its place
     */
    Problem missing(LoadedJob job) {
        String names = all.stream().map(d -> d.site().name()).collect(Collectors.joining(", "));
        String message = job.definition()
                .target()
                .database()
                .map(name -> "the configuration has no database " + name)
                .orElse("the configuration has " + all.size() + " databases, and the job does not say which");
        return job.problem("/database", message, names.isEmpty() ? "" : "one of " + names);
    }
}
