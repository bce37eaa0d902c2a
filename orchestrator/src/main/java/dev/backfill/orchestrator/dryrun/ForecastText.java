package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.db.TableFacts.Surroundings;
import dev.backfill.orchestrator.run.Run.FrozenRange;
import dev.backfill.orchestrator.sql.Key;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;

/** Says what a run would do, for people. Pure. */
public final class ForecastText {

    private static final int KEYS_SHOWN = 5;
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
        text.plan();
        text.surroundings();
        text.samples();
        text.estimate();
        return text.lines;
    }

    private void extent() {
        Forecast.Extent extent = forecast.extent();
        var table = forecast.statement().table();
        add("job %s on %s, %s without its indexes"
                .formatted(
                        forecast.statement().job().name(),
                        table.identity().name().quoted(),
                        bytes(table.size().bytes())));
        if (extent.slices() == 0) {
            add("range: there is no row in it");
            return;
        }
        add("range: %s; about %,d rows in %d %s, by %s"
                .formatted(
                        range(extent.range()),
                        extent.rows(),
                        extent.slices(),
                        extent.slices() == 1 ? "slice" : "slices",
                        String.join(
                                ", ",
                                forecast.statement().key().columns().stream()
                                        .map(column -> column.quoted())
                                        .toList())));
    }

    private static String range(FrozenRange range) {
        String rows = range.start().map(Key::toString).orElse("") + " to "
                + range.end().map(Key::toString).orElse("");
        String nulls = range.nulls().isPresent() ? "rows without a value" : "";
        return range.end().isEmpty() ? nulls : nulls.isEmpty() ? rows : rows + ", and " + nulls;
    }

    private void plan() {
        forecast.plan().ifPresent(plan -> {
            if (!plan.isByIndex()) {
                add("WARNING: each batch would read the whole table; see the plan of a batch:");
            } else if (plan.readsWhole()) {
                add("a batch reads the whole table, because it is small; with more rows it uses "
                        + String.join(", ", plan.indexesWhenLarge()) + ":");
            } else {
                add("a batch finds its rows by " + String.join(", ", plan.indexes()) + ":");
            }
            plan.lines().forEach(line -> add(INDENT + line));
        });
    }

    private void surroundings() {
        Surroundings around = forecast.surroundings();
        if (around.partitions() > 0) {
            add("tables below it that hold rows: " + around.partitions());
        }
        list("triggers that fire", around.triggers());
        list("foreign keys", around.foreignKeys());
        around.writesPerSecond().ifPresent(rate -> add("others write about %.1f rows a second".formatted(rate)));
    }

    private void samples() {
        if (forecast.samples().isEmpty()) {
            return;
        }
        add("batches that were tried and rolled back:");
        for (Sample sample : forecast.samples()) {
            add(INDENT
                    + "at %s of the range: %,d keys, %,d rows changed, %s, %s of WAL"
                            .formatted(
                                    sample.place(),
                                    sample.keys(),
                                    sample.changed(),
                                    time(sample.cost().took()),
                                    bytes(sample.cost().wal())));
        }
        list(
                "locks of a batch",
                forecast.samples().stream()
                        .flatMap(sample -> sample.after().locks().stream())
                        .distinct()
                        .toList());
        warnings();
    }

    private void warnings() {
        long left = forecast.samples().stream()
                .mapToLong(s -> s.after().remaining())
                .sum();
        if (left > 0) {
            add(
                    "WARNING: %,d of these rows still meet `remaining` after the change: the run would fail, or make passes that"
                            .formatted(left));
            add(INDENT + "do not help; write a change that ends it");
        }
        List<Key> moved = forecast.samples().stream()
                .flatMap(sample -> sample.after().moved().stream())
                .distinct()
                .toList();
        if (!moved.isEmpty()) {
            add(
                    "REFUSED: the change moves rows along the key, %,d of these, such as %s: a run would miss rows or change them"
                            .formatted(moved.size(), first(moved)));
            add(INDENT + "twice; look at the triggers, or go by a column that stays");
        }
    }

    private static String first(List<Key> keys) {
        return String.join(
                ", ", keys.stream().limit(KEYS_SHOWN).map(Key::toString).toList());
    }

    private void estimate() {
        if (forecast.extent().slices() == 0) {
            return;
        }
        boolean tried = !forecast.samples().isEmpty();
        if (!tried) {
            add("locks: the rows that a batch changes, for as long as it lasts, which is about "
                    + time(forecast.statement().job().execution().batch().target()));
        }
        forecast.estimate().ifPresent(estimate -> {
            add((tried ? "by what these batches took: " : "a guess from the size of the rows: ")
                    + "one worker would need " + bar(estimate.time(), ForecastText::seconds));
            add(INDENT + "and " + bar(estimate.wal(), wal -> bytes((long) wal)) + " of WAL would be written");
            int workers = forecast.statement().job().execution().parallelism();
            if (workers > 1) {
                add(INDENT
                        + "%d workers need at least %s, on a server that has the cores and disks for them"
                                .formatted(workers, seconds(estimate.time().likely() / workers)));
            }
        });
        if (!tried) {
            add("--sample tries five batches and rolls them back, to know better");
        }
    }

    private static String bar(Estimate.Bar bar, DoubleFunction<String> words) {
        return "%s (%s to %s)".formatted(words.apply(bar.likely()), words.apply(bar.low()), words.apply(bar.high()));
    }

    private void list(String what, List<String> names) {
        if (!names.isEmpty()) {
            Stream.of(what + ": " + String.join("; ", names)).forEach(this::add);
        }
    }

    private void add(String line) {
        lines.add(line);
    }

    private static String seconds(double seconds) {
        return time(Duration.ofMillis((long) (seconds * 1000)));
    }

    private static String time(Duration duration) {
        if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
            return duration.toMillis() + " ms";
        } else if (duration.compareTo(Duration.ofMinutes(2)) < 0) {
            return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
        }
        return duration.compareTo(Duration.ofHours(2)) < 0
                ? duration.toMinutes() + " min"
                : String.format(Locale.ROOT, "%.1f h", duration.toMinutes() / 60.0);
    }

    private static String bytes(long bytes) {
        String[] units = {"bytes", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
