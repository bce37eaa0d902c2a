package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.TableFacts.Size;
import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.dryrun.Trial.Failure;
import dev.backfill.orchestrator.dryrun.Trial.Sample;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.sql.Key;
import java.util.List;
import java.util.Optional;

/**
 * What a run would do.
 *
 * @param statement the job on its table
 * @param extent which rows
 * @param plan how the rows of a batch would be found; empty when there are none
 * @param around what else hangs on the table
 * @param trials the batches that were tried
 */
public record Forecast(
        JobStatement statement, Extent extent, Optional<StatementPlan> plan, Around around, Trials trials) {

    /**
     * Which rows.
     *
     * @param range from the first key to the last, as they are now
     * @param slices into how many parts it would be cut
     * @param rows how many rows the planner expects in it
     */
    public record Extent(FrozenRange range, int slices, long rows) {}

    /**
     * What else hangs on the table.
     *
     * @param table what the catalog says
     * @param writesPerSecond how many rows others wrote while it was looked at
     */
    public record Around(Surroundings table, double writesPerSecond) {}

    /**
     * The batches that were tried.
     *
     * @param asked whether any was to be
     * @param obstacle why none was, where something stands in the way
     * @param all what came of each, in the order in which they were tried
     */
    public record Trials(boolean asked, Optional<String> obstacle, List<Trial> all) {

        /** Nobody has asked for any. */
        static final Trials NONE = new Trials(false, Optional.empty(), List.of());

        /** Copies the list. */
        public Trials {
            all = List.copyOf(all);
        }

        /** Those that went through, at least one key in each. */
        List<Sample> samples() {
            return of(Sample.class);
        }

        /** Those that did not. */
        List<Failure> failures() {
            return of(Failure.class);
        }

        private <T extends Trial> List<T> of(Class<T> kind) {
            return all.stream().filter(kind::isInstance).map(kind::cast).toList();
        }
    }

    /**
     * The same, where batches were to be tried and something stands in the way.
     *
     * @param obstacle what
     * @return without any batch
     */
    public Forecast hindered(String obstacle) {
        return with(new Trials(true, Optional.of(obstacle), List.of()));
    }

    /** The same, with the batches that were tried. */
    Forecast tried(List<Trial> all) {
        return with(new Trials(true, Optional.empty(), all));
    }

    private Forecast with(Trials tried) {
        return new Forecast(statement, extent, plan, around, tried);
    }

    /**
     * What the whole run would cost: by the samples, else a guess.
     *
     * @return empty for a processor that was not tried
     */
    public Optional<Estimate> estimate() {
        if (!trials.samples().isEmpty()) {
            return Optional.of(Estimate.of(trials.samples(), extent.rows()));
        }
        if (statement.job().work() instanceof Work.Custom) {
            return Optional.empty();
        }
        Size size = around.table().size();
        double rowBytes = size.bytes()
                / (double) Math.max(
                        1, size.estimatedRows().filter(rows -> rows > 0).orElse(extent.rows()));
        return Optional.of(Estimate.rough(
                extent.rows(), rowBytes, statement.table().indexes().size()));
    }

    /**
     * Whether there are rows, so that batches can be tried.
     *
     * @return false for an empty range
     */
    public boolean hasRows() {
        return extent.slices() > 0;
    }

    /**
     * Whether something moves the key of the rows that are changed, which a run cannot have.
     *
     * @return true when a sample saw it; false where the keys that are gone may have been deleted
     */
    public boolean movesKeys() {
        return !gone().isEmpty() && !mayDelete();
    }

    /**
     * Whether a run would come to a stop by what a sample met.
     *
     * @return false when it would go on by itself
     */
    public boolean wouldPause() {
        int quarantine = quarantine();
        return trials.failures().stream().anyMatch(failure -> failure.wouldPause(quarantine));
    }

    /** How many keys a run may set aside. */
    int quarantine() {
        return statement.job().execution().errors().quarantine();
    }

    /** The keys that were gone after the changes of the samples. */
    List<Key> gone() {
        return trials.samples().stream()
                .flatMap(sample -> sample.after().gone().stream())
                .distinct()
                .toList();
    }

    private boolean mayDelete() {
        return statement.job().work() instanceof Work.Custom
                || (statement.job().work() instanceof Work.Sql
                        && plan.filter(StatementPlan::deletes).isPresent());
    }
}
