package dev.backfill.orchestrator.console;

import dev.backfill.orchestrator.console.Outlook.Left;
import dev.backfill.orchestrator.run.SliceStore.Progress;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * What is shown of a run at a moment. Pure.
 *
 * @param progress where it is
 * @param outlook how far it has to go
 * @param rate keys a second, as of late
 * @param batch keys of the latest batch
 * @param around what is seen around the run
 */
record Moment(Progress progress, Outlook outlook, double rate, long batch, Around around) {

    private static final int LEAST_BAR = 8;
    private static final int LONGEST_BAR = 28;

    /** What usually stands beside the bar; it keeps its length while the text grows and shrinks. */
    private static final int USUAL_TEXT = 72;

    private static final String ELLIPSIS = "...";

    /**
     * What is seen around a run.
     *
     * @param lag of its standbys
     * @param standing why it does not move, or what else there is to say
     */
    record Around(Optional<Lag> lag, Optional<String> standing) {}

    /** What a bar is made of. */
    enum Blocks {
        /** For terminals that show UTF-8. */
        UNICODE('\u2588', '\u2591', ""),
        /** For all others. */
        ASCII('=', ' ', "|");

        private final char full;
        private final char empty;
        private final String edge;

        Blocks(char full, char empty, String edge) {
            this.full = full;
            this.empty = empty;
            this.edge = edge;
        }

        private String bar(int done, int width) {
            return edge
                    + Character.toString(full).repeat(done)
                    + Character.toString(empty).repeat(width - done)
                    + edge;
        }
    }

    /** Keys gone over in this pass. */
    long scanned() {
        return progress.rows().scannedInPass();
    }

    /** How many keys there are in all, as far as is known. */
    long about() {
        return isDone() ? scanned() : Math.max(outlook.rows(), scanned());
    }

    private boolean isDone() {
        return progress.slices() > 0 && progress.isDone();
    }

    /** One line with a bar, exactly as long as that: it covers the one before. */
    String bar(int width, Blocks blocks) {
        String head = String.format(Locale.ROOT, "%3d %% ", part(100));
        StringBuilder tail = new StringBuilder(String.format(Locale.ROOT, "  %,d rows", scanned()));
        if (around.standing().isEmpty()) {
            tail.append(String.format(Locale.ROOT, "  %,.0f/s", rate));
            outlook.left().ifPresent(left -> tail.append("  ETA ").append(words(left.expected())));
            tail.append(String.format(Locale.ROOT, "  batch %,d", batch));
        }
        around.lag().ifPresent(lag -> tail.append("  ").append(lag));
        around.standing().ifPresent(standing -> tail.append("  ").append(standing));
        int bar = Math.min(LONGEST_BAR, Math.max(LEAST_BAR, width - USUAL_TEXT));
        return fitted(head + blocks.bar(part(bar), bar) + tail, width);
    }

    private int part(int whole) {
        int part = about() == 0 ? 0 : (int) (scanned() * whole / about());
        return isDone() ? part : Math.min(part, whole - 1); // there may be more than was expected
    }

    /** One line for a log. */
    String plain() {
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "%,d of about %,d rows, slice %d of %d, %,.0f rows/s",
                scanned(),
                about(),
                progress.done(),
                progress.slices(),
                rate));
        outlook.left().ifPresent(left -> line.append(", ETA ").append(words(left)));
        if (batch > 0) {
            line.append(String.format(Locale.ROOT, ", batch %,d", batch));
        }
        around.lag().ifPresent(lag -> line.append(", ").append(lag));
        around.standing().ifPresent(standing -> line.append(", ").append(standing));
        return line.toString();
    }

    private static String words(Left left) {
        return "%s (%s to %s)".formatted(words(left.expected()), words(left.least()), words(left.most()));
    }

    private static String words(Duration duration) {
        return duration.toString().substring(2).toLowerCase(Locale.ROOT);
    }

    private static String fitted(String line, int width) {
        if (line.length() <= width) {
            return line + " ".repeat(width - line.length());
        }
        return line.substring(0, Math.max(0, width - ELLIPSIS.length())) + ELLIPSIS;
    }
}
