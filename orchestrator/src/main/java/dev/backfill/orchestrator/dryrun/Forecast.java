package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.TableFacts;
import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.registry.JobStatement;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import java.util.List;
import java.util.Optional;

/**
 * What a run would do.
 *
 * @param statement the job on its table
 * @param extent which rows
 * @param plan how the rows of a batch would be found; empty when there are none
 * @param surroundings what else hangs on the table
 * @param samples the batches that were tried, at least one key in each; none when none was
 */
public record Forecast(
        JobStatement statement,
        Extent extent,
        Optional<StatementPlan> plan,
        Surroundings surroundings,
        List<Sample> samples) {

    /**
     * Which rows.
     *
     * @param range from the first key to the last, as they are now
     * @param slices into how many parts it would be cut
     * @param rows how many rows the planner expects in it
     */
    public record Extent(FrozenRange range, int slices, long rows) {}

    /** Copies the list. */
    public Forecast {
        samples = List.copyOf(samples);
    }

    /**
     * What the whole run would cost: by the samples, else a guess.
     *
     * @return empty for a processor that was not tried
     */
    public Optional<Estimate> estimate() {
        if (!samples.isEmpty()) {
            return Optional.of(Estimate.of(samples, extent.rows()));
        }
        if (statement.job().work() instanceof Work.Custom) {
            return Optional.empty();
        }
        TableFacts table = statement.table();
        double rowBytes = table.size().bytes()
                / (double) Math.max(1, table.size().estimatedRows().orElse(extent.rows()));
        return Optional.of(
                Estimate.rough(extent.rows(), rowBytes, table.indexes().size()));
    }

    /**
     * Whether something moves the key of the rows that are changed, which a run cannot have.
     *
     * @return true when a sample saw it
     */
    public boolean movesKeys() {
        return samples.stream().anyMatch(sample -> !sample.after().moved().isEmpty());
    }
}
