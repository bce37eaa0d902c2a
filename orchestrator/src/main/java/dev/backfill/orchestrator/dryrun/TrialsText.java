package dev.backfill.orchestrator.dryrun;

import dev.backfill.orchestrator.dryrun.Trial.Failure;
import dev.backfill.orchestrator.dryrun.Trial.Sample;
import dev.backfill.orchestrator.sql.Key;
import dev.backfill.orchestrator.words.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Says what came of the batches that were tried, for people. Pure. */
final class TrialsText {

    private static final int KEYS_SHOWN = 5;
    private static final String INDENT = "    ";

    private final Forecast forecast;
    private final List<Sample> samples;
    private final List<String> lines = new ArrayList<>();

    private TrialsText(Forecast forecast) {
        this.forecast = forecast;
        this.samples = forecast.trials().samples();
    }

    /** Says it; nothing when no batch was tried. */
    static List<String> of(Forecast forecast) {
        TrialsText text = new TrialsText(forecast);
        if (!forecast.trials().all().isEmpty()) {
            text.trials();
            text.seen("locks of a batch", Sample.After::locks);
            text.seen("could not be seen", Sample.After::unseen);
            text.unchanged();
            text.remaining();
            text.gone();
        }
        return text.lines;
    }

    private void trials() {
        lines.add("batches that were tried and rolled back:");
        for (Trial trial : forecast.trials().all()) {
            lines.add(INDENT + (trial instanceof Sample sample ? words(sample) : words((Failure) trial)));
        }
    }

    private static String words(Sample sample) {
        return "%s: %s, %s changed, %s, %s of WAL (others' included)"
                .formatted(
                        sample.place(),
                        Figures.count(sample.keys(), "key", "keys"),
                        Figures.count(sample.changed(), "row", "rows"),
                        Figures.time(sample.cost().took()),
                        Quantity.size(sample.cost().wal()));
    }

    private String words(Failure failure) {
        Optional<String> keys = failure.keys().map(ends -> " (keys %s to %s)".formatted(ends.first(), ends.last()));
        return failure.place() + keys.orElse("") + ": " + failure.message() + "; a run would " + next(failure);
    }

    private String next(Failure failure) {
        return switch (failure.error()) {
            case LOCK -> "try again with fewer keys";
            case TIMEOUT, TOO_LARGE, RESOURCES -> "cut the batch smaller";
            case DATA ->
                forecast.quarantine() == 0
                        ? "look for the row and pause there, for errors.quarantine is 0"
                        : "look for the row and set it aside, within errors.quarantine = " + forecast.quarantine();
            case PAUSE -> "pause";
            case AGAIN -> "try again later";
            case SESSION_LOST, DATABASE_DOWN, DENIED, DISK_FULL -> "wait";
        };
    }

    private void seen(String what, Function<Sample.After, List<String>> of) {
        List<String> names = samples.stream()
                .flatMap(sample -> of.apply(sample.after()).stream())
                .distinct()
                .toList();
        if (!names.isEmpty()) {
            lines.add(what + ": " + String.join("; ", names));
        }
    }

    private void unchanged() {
        if (!samples.isEmpty() && samples.stream().allMatch(sample -> sample.changed() == 0)) {
            lines.add(
                    "WARNING: no batch that was tried changed a row: look whether the condition is meant so, and whether");
            lines.add(INDENT + "the work is done already; what a batch that changes rows costs is not known by these");
        }
    }

    private void remaining() {
        long left = samples.stream().mapToLong(s -> s.after().remaining()).sum();
        if (left > 0) {
            lines.add(
                    "WARNING: " + Figures.count(left)
                            + " of these rows still meet `remaining` after the change: the run would fail, or make passes that");
            lines.add(INDENT + "do not help; write a change that ends it");
        }
    }

    private void gone() {
        List<Key> gone = forecast.gone();
        if (gone.isEmpty()) {
            return;
        }
        String first = String.join(
                ", ", gone.stream().limit(KEYS_SHOWN).map(Key::toString).toList());
        if (forecast.movesKeys()) {
            lines.add(
                    "REFUSED: the change moves rows along the key, %s of these, such as %s: a run would miss rows or change them"
                            .formatted(Figures.count(gone.size()), first));
            lines.add(INDENT + "twice; look at the triggers, or go by a column that stays");
        } else {
            lines.add("WARNING: %s gone after the change, such as %s: deleted, or moved along the key; a run that moves"
                    .formatted(Figures.count(gone.size(), "key is", "keys are"), first));
            lines.add(INDENT + "rows along the key misses some or changes them twice");
        }
    }
}
