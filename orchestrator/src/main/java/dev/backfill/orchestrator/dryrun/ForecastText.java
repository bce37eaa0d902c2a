package dev.backfill.orchestrator.dryrun;

import dev.backfill.api.Work;
import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.dryrun.StatementPlan.Whole;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.sql.KeyColumn;
import dev.backfill.orchestrator.words.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;

/** Says what a run would do, for people. Pure. */
public final class ForecastText {

    private static final String INDENT = "    ";

    private final Forecast forecast;
    private final List<String> lines = new ArrayList<>();

    private ForecastText(Forecast forecast) {
        this.forecast = forecast;
    }

    /**
     * Says it.
     *
     * @param forecast what a run would do
     * @return lines
     */
    public static List<String> of(Forecast forecast) {
        ForecastText text = new ForecastText(forecast);
        text.extent();
        forecast.plan().ifPresent(text::plan);
        text.surroundings();
        text.lines.addAll(TrialsText.of(forecast));
        text.cost();
        return text.lines;
    }

    private void extent() {
        Forecast.Extent extent = forecast.extent();
        lines.add("job %s on %s, %s without its indexes"
                .formatted(
                        forecast.statement().job().name(),
                        table(),
                        Quantity.size(forecast.around().table().size().bytes())));
        if (!forecast.hasRows()) {
            lines.add("range: there is no row in it" + (forecast.trials().asked() ? ", so no batch was tried" : ""));
            return;
        }
        lines.add("range: %s; about %s rows in %s, by %s"
                .formatted(
                        range(extent.range()),
                        Figures.count(extent.rows()),
                        Figures.count(extent.slices(), "slice", "slices"),
                        String.join(
                                ", ",
                                forecast.statement().key().columns().stream()
                                        .map(KeyColumn::quoted)
                                        .toList())));
    }

    private static String range(FrozenRange range) {
        String rows = range.start().map(Key::toString).orElse("") + " to "
                + range.end().map(Key::toString).orElse("");
        String nulls = range.nulls().isPresent() ? "rows without a value" : "";
        return range.end().isEmpty() ? nulls : nulls.isEmpty() ? rows : rows + ", and " + nulls;
    }

    private void plan(StatementPlan plan) {
        boolean custom = forecast.statement().job().work() instanceof Work.Custom;
        String own = custom ? "; what the processor reads is its own:" : ":";
        lines.add(
                switch (plan.way()) {
                    case WHOLE -> "WARNING: each batch reads " + whole(plan.whole()) + "; see its plan:";
                    case OTHERWISE -> "WARNING: a batch does not find its rows by an index on the range; see its plan:";
                    case SMALL ->
                        "a batch reads the whole table, because it is small; with more rows it uses "
                                + String.join(", ", plan.indexesWhenLarge()) + own;
                    case INDEX ->
                        (custom ? "by its range, a batch's rows are found by " : "a batch finds its rows by ")
                                + String.join(", ", plan.indexes())
                                + own;
                });
        plan.lines().forEach(line -> lines.add(INDENT + line));
    }

    private String whole(List<Whole> tables) {
        List<Whole> large = tables.stream().filter(table -> !table.small()).toList();
        String size = Quantity.size(large.stream().mapToLong(Whole::bytes).sum());
        boolean itself = forecast.around().table().partitions() == 0;
        String below = String.join(", ", large.stream().map(Whole::name).toList()) + " of ";
        return (itself ? "" : below) + table() + " whole (" + size + ")";
    }

    private String table() {
        return forecast.statement().tableName();
    }

    private void surroundings() {
        Surroundings around = forecast.around().table();
        if (around.partitions() > 0) {
            lines.add("tables below it that hold rows: " + Figures.count(around.partitions()));
        }
        list("triggers that fire", around.triggers());
        list("foreign keys", around.foreignKeys());
        double rate = forecast.around().writesPerSecond();
        if (rate > 0) {
            String rows = rate < 10 ? Figures.decimal(rate) : Figures.count(Math.round(rate));
            lines.add("others write about " + rows + " rows a second");
        }
    }

    private void cost() {
        if (!forecast.hasRows()) {
            return;
        }
        boolean tried = !forecast.trials().samples().isEmpty();
        if (!tried) {
            lines.add("locks: the rows that a batch changes, for as long as it lasts, which is about "
                    + Figures.time(
                            forecast.statement().job().execution().batch().target())
                    + (forecast.around().table().foreignKeys().isEmpty()
                            ? ""
                            : "; by the foreign keys, rows in the other tables may be locked too"));
        }
        forecast.estimate().ifPresent(estimate -> {
            lines.add((tried
                            ? "by what these batches took: one worker would need "
                            : "a guess from the size of the rows: if every row is changed, one worker would need ")
                    + bar(estimate.time(), Figures::seconds));
            lines.add(INDENT + "and " + bar(estimate.wal(), wal -> Quantity.size(Math.round(wal)))
                    + " of WAL would be written");
            int workers = forecast.statement().job().execution().parallelism();
            if (workers > 1) {
                lines.add(INDENT
                        + "%s workers need at least %s, on a server that has the cores and disks for them"
                                .formatted(
                                        Figures.count(workers),
                                        Figures.seconds(estimate.time().low() / workers)));
            }
        });
        if (!tried) {
            lines.add(untried(forecast.trials()));
        }
    }

    private static String untried(Forecast.Trials trials) {
        if (!trials.asked()) {
            return "--sample tries five batches and rolls them back, to know better";
        } else if (trials.obstacle().isPresent()) {
            return "no batch was tried: " + trials.obstacle().get();
        }
        return trials.all().isEmpty()
                ? "no batch was tried: the rows have gone meanwhile"
                : "none of the batches that were tried went through, so nothing is known of their cost";
    }

    private static String bar(Estimate.Bar bar, DoubleFunction<String> words) {
        return "%s (%s to %s)".formatted(words.apply(bar.likely()), words.apply(bar.low()), words.apply(bar.high()));
    }

    private void list(String what, List<String> names) {
        if (!names.isEmpty()) {
            lines.add(what + ": " + String.join("; ", names));
        }
    }
}
